"""Photos of the research data, which are not part of this project; see `benchmarks/README.md`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from common.data import photos, read, spread
from common.networks import load_module, load_network
from second_look.cases import Case, Source
from torch import Tensor, nn

from subjects.question import Question

SIDE = 227
PATCHED = 224
"""Pixels along a side of what the vision transformer takes."""


def mosaics(data: Path, images: int) -> Iterator[Question]:
    """Four photos of different classes in a square: which part of it is it about one of them?"""
    network, paths = load_network(data), photos(data)
    quarters = [spread(paths, 4 * images)[place::images] for place in range(images)]
    for number, four in enumerate(quarters):
        tiles = torch.cat([read(path, SIDE) for path in four])
        with torch.no_grad():
            target = network(tiles).argmax(1)
        square = torch.cat([torch.cat([*tiles[:2]], dim=2), torch.cat([*tiles[2:]], dim=2)], dim=1)
        for place in range(4):
            yield Question(
                f"mosaic {number}, photo {place}",
                network,
                square[None].contiguous(memory_format=torch.channels_last),
                target[place : place + 1],
                _quarter(place),
                curves=False,
            )


def _quarter(place: int) -> Tensor:
    region = torch.zeros(1, 1, 2 * SIDE, 2 * SIDE, dtype=torch.bool)
    row, column = divmod(place, 2)
    region[..., row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE] = True
    return region


def birds(data: Path, images: int) -> Iterator[Question]:
    """Look-alike species, under the linear classifier of a bird's fold: why the predicted one?"""
    return _predicted(_cases(load_network(data), data, images))


class Tokens(nn.Module):
    """What a vision transformer says of the middle of an image, as features (N, features, 1, 1)."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> Tensor:
        """Return features in the form of a feature map of one place."""
        first = (SIDE - PATCHED) // 2
        features: Tensor = self.backbone(images[..., first : first + PATCHED, first : first + PATCHED])
        return features[..., None, None]


def dinov2(data: Path, images: int) -> Iterator[Question]:
    """The same birds under linear classifiers on the features of a vision transformer."""
    network = nn.Sequential()
    network.add_module("features", Tokens(load_module(data, "dinov2_small").backbone()))
    return _predicted(_cases(network, data, images))


def _predicted(cases: Iterable[Case]) -> Iterator[Question]:
    for case in cases:
        inputs = case.load().inputs
        with torch.no_grad():
            target = case.model(inputs).argmax(1)
        yield Question(case.name, case.model.eval(), inputs, target)


class Pair(nn.Module):
    """Two classes of a classifier, as if there were no others: their log-odds are the contrast."""

    def __init__(self, model: nn.Module, classes: Tensor) -> None:
        super().__init__()
        self.model, self.classes = model, classes

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, 2)."""
        logits: Tensor = self.model(images)[:, self.classes]
        return logits


def pairs(data: Path, images: int) -> Iterator[Question]:
    """The same birds: why the predicted species and not the next likeliest?"""
    for case in _cases(load_network(data), data, images):
        inputs = case.load().inputs
        with torch.no_grad():
            likeliest = case.model(inputs)[0].topk(2).indices
        yield Question(case.name, Pair(case.model, likeliest).eval(), inputs, torch.tensor([0]))


def _cases(network: nn.Module, data: Path, images: int) -> list[Case]:
    source = Source(network, data, torch.device("cpu"), images, leave_out=0, seed=0, size=SIDE)
    return source.birds()
