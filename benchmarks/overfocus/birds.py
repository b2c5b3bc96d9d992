"""Ten look-alike bird species, few photos of each: the end of a network is tuned to them.

The photos and the network are research data and not part of this project; see `benchmarks/README.md`.
"""

import copy
from pathlib import Path

import torch
from common.data import read
from common.networks import SIZES, load_network
from torch import Tensor, nn

from overfocus.task import Pictures, Task, split, through

TUNED = {"squeezenet": 3, "efficientnet_lite0": 2}
"""Modules at the end of the features that are tuned, about as much of each network: the last two fire
modules of SqueezeNet, the last block of EfficientNet-Lite0 and the convolution behind it."""


class Tail(nn.Module):
    """The last modules and a fresh linear classifier on the mean of their map, (N, channels, h, w)."""

    def __init__(self, tuned: nn.Module, channels: int, classes: int) -> None:
        super().__init__()
        self.start = nn.Identity()
        self.tuned = tuned
        self.classifier = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, classes)."""
        logits: Tensor = self.classifier(self.tuned(self.start(x)).mean((2, 3)))
        return logits


class Birds:
    """All photos, read and passed through the frozen stem once.

    Args:
        data: folder of the networks and of `birds/SPECIES/*.jpg`.
        size: side of the photos in pixels.
        network: one of `TUNED`.
    """

    def __init__(self, data: Path, size: int, network: str) -> None:
        paths = sorted(data.glob("birds/*/*.jpg"))
        species = sorted({path.parent.name for path in paths})
        model = load_network(data, network=network)
        features: nn.Module = model.get_submodule("features")
        stem = len(features) - TUNED[network]  # type: ignore[arg-type]
        self.labels = torch.tensor([species.index(path.parent.name) for path in paths])
        self.images = torch.cat([read(path, size, SIZES[network]) for path in paths])
        self.stem, self.tuned = features[:stem], nn.Sequential(*features[stem:])  # type: ignore[index, misc]
        both = [through(self.stem, images).half() for images in (self.images, self.images.flip(3))]
        self.variants = torch.stack(both)
        self.last = f"tuned.{TUNED[network] - 1}"
        self.channels = self.tuned(self.variants[0, :1].float()).shape[1]

    def make(self, seed: int, n_train: int, layer: str | None = None) -> Task:
        """Split the photos by the seed: `n_train` of each species for training, mirrored half of the time.

        Args:
            seed: of the split and the classifier.
            n_train: training photos of each species.
            layer: `"start"`, the stem's output, or by default the last feature map.
        """
        train, test = split(self.labels, n_train, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            tuned, classes = copy.deepcopy(self.tuned).requires_grad_(), int(self.labels.max()) + 1
            fresh = Tail(tuned, self.channels, classes)
        images = self.images[train]
        return Task(
            stem=self.stem,
            tail=lambda: copy.deepcopy(fresh),
            layer=layer or self.last,
            last=self.last,
            images=torch.stack([images, images.flip(3)]),
            variants=self.variants[:, train],
            labels=self.labels[train],
            test=Pictures(self.images[test], self.labels[test]),
            balanced=Pictures(images, self.labels[train]),
        )
