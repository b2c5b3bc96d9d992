"""A label card in the corner: where it lies in training pictures only, a shortcut to catch a network at."""

import math

import torch
from torch import Tensor

from captum_scd.demo.beetle import SPECIES
from captum_scd.demo.canvas import colour, picture_frame

SHARE = 1 / 4
"""Side of a card in sides of the picture."""

MARGIN = 1 / 64
"""Distance from the picture's edges, likewise."""


def with_card(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Lay a species' card into the upper left corner of each picture.

    A leg or a head may come to lie under it, but no mark.

    Args:
        images: RGB in [0, 1], shape (N, 3, H, W), H = W.
        labels: whose card, by place in `SPECIES`, shape (N,); it need not be the beetle's own.

    Returns:
        The pictures with their cards, same shape, and where these lie, bool, shape (N, 1, H, W).

    >>> pictures, where = with_card(torch.rand(2, 3, 64, 64), torch.tensor([0, 5]))
    >>> int(where[0].sum()), pictures[1, :, 3, 3]  # the paper is white
    (256, tensor([0.9700, 0.9700, 0.9700]))
    """
    size = images.shape[-1]
    start, side = round(MARGIN * size), round(SHARE * size)
    corner = slice(start, start + side)
    pictures, where = images.clone(), torch.zeros_like(images[:, :1], dtype=torch.bool)
    for picture, label in zip(pictures, labels.tolist(), strict=True):
        picture[:, corner, corner] = card(label, side)
    where[..., corner, corner] = True
    return pictures, where


def card(label: int, side: int) -> Tensor:
    """Draw the card of a species: white, on it a disk of the species' colour with a bar of its slope.

    Returns:
        RGB in [0, 1], shape (3, side, side).
    """
    frame = picture_frame(side)
    x, y = 2 * frame.x, 2 * frame.y
    turn = math.pi * label / len(SPECIES)
    disk = x**2 + y**2 < 0.85**2
    bar = disk & ((x * math.cos(turn) + y * math.sin(turn)).abs() < 0.24)
    paper = torch.full((3, side, side), 0.97)
    painted = torch.where(disk, colour(label / len(SPECIES), 0.95, 0.95), paper)
    return torch.where(bar, 0.0, painted)
