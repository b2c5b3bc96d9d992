"""One experiment with one seed: images, and a network of which the last part is trained."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

ROWS_AT_ONCE = 32
"""Images in one forward pass without a graph."""


@dataclass(frozen=True)
class Pictures:
    """Images (N, 3, H, W) as the network takes them, and their labels (N,)."""

    images: Tensor
    labels: Tensor

    def first(self, count: int) -> "Pictures":
        """The first few."""
        return Pictures(self.images[:count], self.labels[:count])


@dataclass(frozen=True)
class Task:
    """What every row of a table starts from.

    Attributes:
        stem: frozen part of the network, in eval mode.
        tail: makes the trained part anew, with the same weights each time: stem's output -> logits.
        layer: name of the part of the tail from whose output features are dropped.
        last: name of the part of the tail whose output is the last feature map.
        images: training images (V, N, 3, H, W), V ways of showing each.
        variants: the stem's output for them, (V, N, ...).
        labels: (N,) of the training images.
        test: images the training has not seen.
        balanced: images like those of training whose groups are balanced as far as groups are known; the
            last layer is retrained on them.
        probes: further test images by name, shown to learn where a network looks.
        regions: by the same names, (1, 1, H, W) boolean.
    """

    stem: nn.Module
    tail: Callable[[], nn.Module]
    layer: str
    last: str
    images: Tensor
    variants: Tensor
    labels: Tensor
    test: Pictures
    balanced: Pictures
    probes: dict[str, Pictures] = field(default_factory=dict)
    regions: dict[str, Tensor] = field(default_factory=dict)

    @cached_property
    def seen(self) -> dict[str, Pictures]:
        """What the stem makes of the test images, as `"test"`, and of the probes: the same for every row."""
        every = {"test": self.test, **self.probes}
        return {name: Pictures(through(self.stem, of.images), of.labels) for name, of in every.items()}


@torch.no_grad()
def through(module: nn.Module, images: Tensor) -> Tensor:
    """Run a module on many images, some at a time."""
    return torch.cat([module(part) for part in images.split(ROWS_AT_ONCE)])


def split(labels: Tensor, n_train: int, seed: int) -> tuple[Tensor, Tensor]:
    """Split the images of every class: `n_train` of each for training, the rest for the test.

    Returns:
        Indices for training and for the test, the latter with the classes taking turns.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    place = torch.empty_like(order)
    for label in labels.unique():
        rows = order[labels[order] == label]
        place[rows] = torch.arange(len(rows))
    train = order[place[order] < n_train]
    test = order[place[order] >= n_train]
    return train, test[(place[test] * (int(labels.max()) + 1) + labels[test]).argsort()]
