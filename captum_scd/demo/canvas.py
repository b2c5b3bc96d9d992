"""Coordinate frames, colours and paint: what every drawing of the demo shares."""

import colorsys
import math
from dataclasses import dataclass

import torch
from torch import Tensor

LIGHT = (-0.45, -0.55, 0.70)
"""Where the light comes from in every picture: from the upper left, towards the viewer."""


@dataclass(frozen=True)
class Frame:
    """Coordinates of every pixel's centre in some drawing's own units.

    Attributes:
        x: first coordinate, shape (H, W), growing to the right of the drawing.
        y: second coordinate, shape (H, W), growing downwards in the drawing.
        pixel: side of a pixel in these units.
        light: unit vector towards the light, in these axes.
    """

    x: Tensor
    y: Tensor
    pixel: float
    light: tuple[float, float, float]

    def moved(self, x: float, y: float, angle: float, scale: float, mirror: float = 1.0) -> "Frame":
        """Return the frame of a drawing put at (x, y), turned by `angle` (radians), `scale` times larger."""
        cos, sin = math.cos(angle), math.sin(angle)
        dx, dy, (lx, ly, lz) = self.x - x, self.y - y, self.light
        across = mirror * (cos * dx + sin * dy) / scale
        light = (mirror * (cos * lx + sin * ly), cos * ly - sin * lx, lz)
        return Frame(across, (cos * dy - sin * dx) / scale, self.pixel / scale, light)


def picture_frame(size: int) -> Frame:
    """Return the frame of the whole picture: its side is 1, the origin its middle."""
    line = (torch.arange(size) + 0.5) / size - 0.5
    y, x = torch.meshgrid(line, line, indexing="ij")
    norm = math.hypot(*LIGHT)
    return Frame(x, y, 1 / size, (LIGHT[0] / norm, LIGHT[1] / norm, LIGHT[2] / norm))


def colour(hue: float, saturation: float, value: float) -> Tensor:
    """Return an RGB colour in [0, 1], shape (3, 1, 1); the hue is taken modulo 1."""
    return torch.tensor(colorsys.hsv_to_rgb(hue % 1, saturation, value)).view(3, 1, 1)


def paint(picture: Tensor, colours: Tensor, alpha: Tensor) -> Tensor:
    """Return the picture (3, H, W) with colours laid over it where alpha (H, W) is 1."""
    return torch.lerp(picture, colours.expand_as(picture), alpha)


def ramp(height: Tensor, low: Tensor, middle: Tensor, high: Tensor) -> Tensor:
    """Return colours (3, H, W) that run from low over middle to high as height (H, W) goes from 0 to 1."""
    lower = torch.lerp(low, middle, (2 * height).clamp(0, 1))
    return torch.lerp(lower, high.expand_as(lower), (2 * height - 1).clamp(0, 1))


def shine(nx: Tensor, ny: Tensor, light: tuple[float, float, float], gloss: float) -> tuple[Tensor, Tensor]:
    """Return the diffuse light and the highlight, both (H, W) in [0, 1], of a dome seen from above.

    `nx` and `ny` are the surface's slopes, 0 on top and 1 at the rim; `gloss` sharpens the highlight.
    """
    nz = (1 - nx**2 - ny**2).clamp(min=0.0).sqrt()
    lx, ly, lz = light
    diffuse = (nx * lx + ny * ly + nz * lz).clamp(0, 1)
    norm = math.sqrt(2 + 2 * lz)
    mirror = ((nx * lx + ny * ly + nz * (lz + 1)) / norm).clamp(0, 1)
    return diffuse, mirror**gloss
