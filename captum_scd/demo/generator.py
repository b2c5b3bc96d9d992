"""Pictures of look-alike beetles in which one small, known detail tells the species and nothing else does."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from captum_scd.demo.beetle import SPECIES, draw, hatch, look_alike
from captum_scd.demo.canvas import Frame, picture_frame
from captum_scd.demo.chance import Chance
from captum_scd.demo.scenery import background

Mark = Literal["own", "look_alike", "none"]


@dataclass(frozen=True)
class DemoImages:
    """Pictures with their ground truth.

    Attributes:
        images: RGB in [0, 1], float32, shape (N, 3, H, W).
        labels: species by place in `SPECIES`, int64, shape (N,).
        details: True where the mark that tells the species is, bool, shape (N, 1, H, W).
        bodies: True on head, thorax and wing cases, bool, shape (N, 1, H, W).

    >>> pictures = generate(2, size=32)
    >>> len(pictures), bool((pictures.details <= pictures.bodies).all())
    (2, True)
    """

    images: Tensor
    labels: Tensor
    details: Tensor
    bodies: Tensor

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.labels)


def generate(n: int, size: int = 128, seed: int = 0, mark: Mark = "own") -> DemoImages:
    """Draw n beetles on n backgrounds; the species take turns.

    The same seed gives the same individuals, poses and backgrounds whatever `mark` says, so that pictures
    drawn with `"own"`, `"look_alike"` and `"none"` differ only where the marks are: exact counterfactuals.

    Args:
        n: number of pictures; a larger n adds pictures and leaves the first ones as they are.
        size: height and width in pixels; the same scene is drawn at every size.
        seed: seed of a private generator; torch's global one is neither read nor moved.
        mark: `"own"` draws each species' mark; `"look_alike"` draws the look-alike's instead, and labels the
            picture so; `"none"` leaves the mark out: details are empty, labels say whose mark is missing.

    Returns:
        Pictures, labels and masks.

    Raises:
        ValueError: if n or size is less than 1, or `mark` is unknown.

    >>> own, other = generate(1, size=64), generate(1, size=64, mark="look_alike")
    >>> own.images.shape, own.labels.tolist(), other.labels.tolist()
    (torch.Size([1, 3, 64, 64]), [0], [1])
    >>> changed = (own.images != other.images).any(1, keepdim=True)  # the mark, and nothing else
    >>> bool((changed & ~own.details & ~other.details).any())
    False
    """
    _check(n, size, mark)
    labels = [_label(i % len(SPECIES), mark) for i in range(n)]
    worn = [None if mark == "none" else label for label in labels]
    scenes = [_scene(*parts, size) for parts in zip(Chance(seed).seeds(n), worn, strict=True)]
    images, details, bodies = (torch.stack(parts) for parts in zip(*scenes, strict=True))
    return DemoImages(images, torch.tensor(labels), details.unsqueeze(1), bodies.unsqueeze(1))


def _check(n: int, size: int, mark: str) -> None:
    if n < 1 or size < 1:
        raise ValueError(f"Expected `n` and `size` to be at least 1, but got {n} and {size}.")
    if mark not in ("own", "look_alike", "none"):
        raise ValueError(f"Expected `mark` to be 'own', 'look_alike' or 'none', but got {mark!r}.")


def _label(label: int, mark: Mark) -> int:
    return look_alike(label) if mark == "look_alike" else label


def _scene(seed: int, label: int | None, size: int) -> tuple[Tensor, Tensor, Tensor]:
    chance, frame = Chance(seed), picture_frame(size)
    ground = background(chance, frame)
    return draw(hatch(chance), label, _pose(chance, frame), ground)


def _pose(chance: Chance, frame: Frame) -> Frame:
    x, y, angle = chance.uniform(-0.06, 0.06), chance.uniform(-0.06, 0.06), chance.uniform(0, 2 * math.pi)
    return frame.moved(x, y, angle, chance.uniform(0.34, 0.40), chance.sign())
