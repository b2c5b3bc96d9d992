"""Signed distances of plain shapes (negative inside) and the anti-aliased cover they make on a pixel grid."""

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor


def length(x: Tensor, y: Tensor) -> Tensor:
    """Return the length of the vectors (x, y)."""
    return (x**2 + y**2).sqrt()


def superellipse(x: Tensor, y: Tensor, half_width: float, half_height: float, power: float = 2.0) -> Tensor:
    """Return the distance to `|x/a|^p + |y/b|^p = 1`, exact to first order at the outline.

    `power` 2 is an ellipse; more than 2 squares the corners. Shapes: as `x` and `y`.
    """
    u, v = (x / half_width).abs() + 1e-6, (y / half_height).abs() + 1e-6
    radius = (u**power + v**power) ** (1 / power)
    slope = length((u / radius) ** (power - 1) / half_width, (v / radius) ** (power - 1) / half_height)
    return (radius - 1) / slope


def disk(x: Tensor, y: Tensor, radius: float) -> Tensor:
    """Return the distance to a disk around the origin."""
    return length(x, y) - radius


def ring(x: Tensor, y: Tensor, radius: float, thickness: float) -> Tensor:
    """Return the distance to a ring; `radius` is that of its middle line."""
    return disk(x, y, radius).abs() - thickness / 2


def bar(x: Tensor, y: Tensor, half_width: float, thickness: float) -> Tensor:
    """Return the distance to a level bar with round ends."""
    return length((x.abs() - half_width + thickness / 2).clamp(min=0), y) - thickness / 2


def chevron(x: Tensor, y: Tensor, half_width: float, thickness: float, slope: float = 0.7) -> Tensor:
    """Return the distance to a V with its tip towards larger y, whose arms rise by `slope`."""
    norm, arm = math.hypot(1.0, slope), half_width - thickness / 2
    across, height = x.abs(), y - slope * half_width / 2
    along = (across - slope * height) / norm
    off = (slope * across + height) / norm
    past = along - along.clamp(0, arm * norm)
    return length(past, off) - thickness / 2


def star(x: Tensor, y: Tensor, arms: int, reach: float, thickness: float) -> Tensor:
    """Return the distance to straight arms of one length, evenly spread around the origin."""
    turns = [2 * math.pi * arm / arms for arm in range(arms)]
    ends = torch.tensor([(0.0, 0.0, reach * math.sin(turn), reach * math.cos(turn)) for turn in turns])
    radius = torch.full((arms,), thickness / 2)
    return limbs(x, y, ends, radius, radius)


def limbs(x: Tensor, y: Tensor, ends: Tensor, start_radius: Tensor, end_radius: Tensor) -> Tensor:
    """Return the distance to the union of K tapering sticks.

    Args:
        x: first coordinate, shape (H, W).
        y: second coordinate, shape (H, W).
        ends: the sticks' end points (x0, y0, x1, y1), shape (K, 4).
        start_radius: half thickness at the first point, shape (K,).
        end_radius: half thickness at the second point, shape (K,).
    """
    sticks = zip(ends.tolist(), start_radius.tolist(), end_radius.tolist(), strict=True)
    return union([_limb(x, y, *stick) for stick in sticks])


def _limb(x: Tensor, y: Tensor, ends: Sequence[float], start_radius: float, end_radius: float) -> Tensor:
    x0, y0, x1, y1 = ends
    dx, dy = x1 - x0, y1 - y0
    x, y, square = x - x0, y - y0, dx**2 + dy**2
    along = (x * (dx / square) + y * (dy / square)).clamp(0, 1)
    return length(x - along * dx, y - along * dy) - start_radius - along * (end_radius - start_radius)


def union(distances: Sequence[Tensor]) -> Tensor:
    """Return the distance to the union of shapes."""
    return reduce(torch.minimum, distances)


def cover(distance: Tensor, pixel: float) -> Tensor:
    """Return how much of each pixel lies inside, in [0, 1]: a ramp one `pixel` wide across the outline."""
    return (0.5 - distance / pixel).clamp(0, 1)
