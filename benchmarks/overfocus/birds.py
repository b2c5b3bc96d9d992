"""Ten look-alike bird species, few photos of each: the end of SqueezeNet is tuned to them.

The photos and the network are research data and not part of this project; see `benchmarks/README.md`.
"""

import copy
from pathlib import Path

import torch
from common.data import read
from common.networks import load_network
from torch import Tensor, nn

from overfocus.task import Pictures, Task, split, through

STEM = 10
"""Modules of SqueezeNet's features that stay frozen; the last two fire modules are tuned."""

LAST = "tuned.2"
"""The last fire module, whose output is the last feature map."""


class Tail(nn.Module):
    """The last two fire modules and a fresh linear classifier on the mean of their map."""

    def __init__(self, tuned: nn.Module, classes: int) -> None:
        super().__init__()
        self.start = nn.Identity()
        self.tuned = tuned
        self.classifier = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, classes)."""
        logits: Tensor = self.classifier(self.tuned(self.start(x)).mean((2, 3)))
        return logits


class Birds:
    """All photos, read and passed through the frozen stem once.

    Args:
        data: folder with `squeezenet.py` and `birds/SPECIES/*.jpg`.
        size: side of the photos in pixels.
    """

    def __init__(self, data: Path, size: int) -> None:
        paths = sorted(data.glob("birds/*/*.jpg"))
        species = sorted({path.parent.name for path in paths})
        network = load_network(data).to(memory_format=torch.contiguous_format)
        features: nn.Module = network.get_submodule("features")
        self.labels = torch.tensor([species.index(path.parent.name) for path in paths])
        self.images = torch.cat([read(path, size) for path in paths])
        self.stem, self.tuned = features[:STEM], nn.Sequential(*features[STEM:])  # type: ignore[index, misc]
        both = [through(self.stem, images).half() for images in (self.images, self.images.flip(3))]
        self.variants = torch.stack(both)

    def make(self, seed: int, n_train: int, layer: str) -> Task:
        """Split the photos by the seed: `n_train` of each species for training, mirrored half of the time.

        Args:
            seed: of the split and the classifier.
            n_train: training photos of each species.
            layer: `"start"`, the stem's output, or `LAST`, the last feature map.
        """
        train, test = split(self.labels, n_train, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = Tail(copy.deepcopy(self.tuned).requires_grad_(), int(self.labels.max()) + 1)
        return Task(
            stem=self.stem,
            tail=lambda: copy.deepcopy(fresh),
            layer=layer,
            last=LAST,
            variants=self.variants[:, train],
            labels=self.labels[train],
            test=Pictures(self.images[test], self.labels[test]),
        )
