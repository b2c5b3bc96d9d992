"""Small networks on the demo's beetles, whose telling detail is known."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from captum_scd.demo import generate, load, normalize
from subjects.question import Question

BATCH = 8
FRESH = 10_000
"""Seed of the beetles that are explained; those of training have others."""


def beetles(data: Path, images: int) -> Iterator[Question]:
    """The demo's network, which tells look-alikes by a mark of 2 % of the picture."""
    del data  # comes with the package
    yield from _batches(load(), images, size=128, classes=8)


class Transformer(nn.Module):
    """A small vision transformer on convolved patches: images (N, 3, 64, 64) -> logits (N, classes)."""

    def __init__(self, classes: int, width: int = 64, depth: int = 3) -> None:
        super().__init__()
        widths = (3, width // 4, width // 2, width)
        stages = [
            [nn.Conv2d(into, out, 3, 2, 1, bias=False), nn.BatchNorm2d(out), nn.GELU()]
            for into, out in pairwise(widths)
        ]
        self.patches = nn.Sequential(*(part for stage in stages for part in stage))
        self.place = nn.Parameter(torch.randn(1, 64, width) * 0.02)
        layer = nn.TransformerEncoderLayer(
            width, 4, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.last = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits of the mean token."""
        tokens = self.patches(images).flatten(2).transpose(1, 2) + self.place
        logits: Tensor = self.last(self.blocks(tokens).mean(1))
        return logits


def transformer(data: Path, images: int) -> Iterator[Question]:
    """A vision transformer trained here, which tells the four kinds of beetles apart, not look-alikes."""
    del data
    yield from _batches(trained(), images, size=64, classes=4)


def trained(pictures: int = 1600, epochs: int = 20, seed: int = 0) -> nn.Module:
    """Train the transformer on beetles of its own; the same weights for the same seed and threads."""
    drawn = generate(pictures, size=64, seed=seed)
    inputs, labels = normalize(drawn.images), drawn.labels // 2
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Transformer(classes=4).train()
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * (pictures // 64))
        for _ in range(epochs):
            for rows in torch.randperm(pictures).split(64)[: pictures // 64]:
                optimizer.zero_grad()
                F.cross_entropy(model(_mirrored(inputs[rows])), labels[rows]).backward()
                optimizer.step()
                schedule.step()
    return model.eval().requires_grad_(False)


def _mirrored(images: Tensor) -> Tensor:
    half = torch.rand(len(images), 1, 1, 1) < 0.5
    return torch.where(half, images.flip(3), images)


def _batches(model: nn.Module, images: int, size: int, classes: int) -> Iterator[Question]:
    drawn = generate(images, size=size, seed=FRESH)
    labels = drawn.labels * classes // 8
    parts = (normalize(drawn.images), labels, drawn.details if classes == 8 else drawn.bodies)
    for number, (inputs, target, region) in enumerate(
        zip(*(part.split(BATCH) for part in parts), strict=True)
    ):
        yield Question(f"batch {number}", model, inputs, target, region)
