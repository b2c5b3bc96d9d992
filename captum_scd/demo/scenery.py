"""Backgrounds: foliage, bark, sand and moss, strewn with twigs, leaves, pebbles and meaningless spots."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from captum_scd.demo import shapes
from captum_scd.demo.canvas import Frame, colour, paint, ramp, shine
from captum_scd.demo.chance import Chance


def noise(chance: Chance, size: int, rows: int, columns: int) -> Tensor:
    """Return smooth noise around 0.5, shape (size, size), with that many cells down and across."""
    grid = chance.grid(rows + 1, columns + 1)[None, None]
    return F.interpolate(grid, (size, size), mode="bicubic", align_corners=True)[0, 0]


def fractal(
    chance: Chance, size: int, rows: int, columns: int, octaves: int, roughness: float = 0.5
) -> Tensor:
    """Return noise of several octaves in [0, 1], shape (size, size); each is twice as fine as the last."""
    weights = [roughness**i for i in range(octaves)]
    layers = [w * noise(chance, size, rows << i, columns << i) for i, w in enumerate(weights)]
    total = torch.stack(layers).sum(0) / sum(weights)
    return ((total - 0.5) * 1.6 + 0.5).clamp(0, 1)


def relief(height: Tensor, strength: float) -> Tensor:
    """Return a factor (H, W) around 1 that lights slopes of the height field from the upper left."""
    down, across = torch.gradient(height)
    return (1 + strength * height.shape[-1] / 128 * (across + down)).clamp(0.45, 1.6)


def foliage(chance: Chance, frame: Frame) -> Tensor:
    """Return the surface of a large leaf with its veins, shape (3, H, W)."""
    size = frame.x.shape[-1]
    leaf = frame.moved(chance.uniform(-0.4, 0.4), 0.0, chance.uniform(0, 2 * math.pi), 1.0)
    mottle, bend = fractal(chance, size, 4, 4, 5, 0.6), noise(chance, size, 3, 3)
    x, y = leaf.x + 0.12 * (bend - 0.5), leaf.y
    side = ((y - 0.75 * x.abs()) * chance.uniform(4.5, 7) + 0.25 * bend) % 1 - 0.5
    vein = torch.exp(-((side / 0.07) ** 2)) * 0.6 + torch.exp(-((x / 0.014) ** 2))
    hue, value = chance.uniform(0.19, 0.36), chance.uniform(0.4, 0.75)
    height = (0.25 + 0.45 * mottle + 0.5 * side.abs() * 0.5 + 0.25 * vein).clamp(0, 1)
    low, middle = colour(hue + 0.05, 0.75, 0.3 * value), colour(hue, 0.65, 0.8 * value)
    return ramp(height, low, middle, colour(hue - 0.05, 0.45, value + 0.2)) * relief(mottle, 2.5)


def bark(chance: Chance, frame: Frame) -> Tensor:
    """Return fissured bark, shape (3, H, W)."""
    size, upright = frame.x.shape[-1], chance.sign() > 0
    rows, columns = (3, 9) if upright else (9, 3)
    ridges = 1 - (2 * fractal(chance, size, rows, columns, 3) - 1).abs()
    grain = fractal(chance, size, 2 * rows, 2 * columns, 3, 0.7)
    height = (0.75 * ridges**1.5 + 0.35 * grain).clamp(0, 1)
    hue, grey = chance.uniform(0.04, 0.10), chance.uniform(0.15, 0.5)
    low, middle = colour(hue, grey + 0.2, 0.14), colour(hue, grey, 0.48)
    return ramp(height, low, middle, colour(hue + 0.03, grey * 0.6, 0.78)) * relief(height, 2.2)


def sand(chance: Chance, frame: Frame) -> Tensor:
    """Return rippled sand with grains, shape (3, H, W)."""
    size = frame.x.shape[-1]
    dune = frame.moved(0.0, 0.0, chance.uniform(0, 2 * math.pi), 1.0)
    bend, grain = fractal(chance, size, 3, 3, 3), fractal(chance, size, 32, 32, 2, 0.9)
    ripple = torch.sin(dune.y * chance.uniform(25, 45) + 6 * bend)
    height = (0.5 + 0.12 * ripple + 0.5 * (grain - 0.5) + 0.35 * (bend - 0.5)).clamp(0, 1)
    hue, value = chance.uniform(0.07, 0.13), chance.uniform(0.6, 0.85)
    low, middle = colour(hue - 0.02, 0.55, 0.45 * value), colour(hue, 0.42, 0.9 * value)
    return ramp(height, low, middle, colour(hue + 0.01, 0.2, min(1.0, value + 0.15))) * relief(height, 0.9)


def moss(chance: Chance, frame: Frame) -> Tensor:
    """Return cushions of moss on dark soil, shape (3, H, W)."""
    size = frame.x.shape[-1]
    cushion, fibre = fractal(chance, size, 5, 5, 2), fractal(chance, size, 24, 24, 2, 0.9)
    height = (0.65 * cushion + 0.55 * fibre - 0.1).clamp(0, 1)
    hue = chance.uniform(0.13, 0.27)
    low, middle = colour(hue - 0.06, 0.6, 0.12), colour(hue, 0.65, 0.42)
    return ramp(height, low, middle, colour(hue - 0.02, 0.55, 0.8)) * relief(height, 1.3)


def background(chance: Chance, frame: Frame) -> Tensor:
    """Return one of the grounds with clutter and distractors on it, RGB of shape (3, H, W)."""
    ground = chance.choice((foliage, bark, sand, moss))(chance, frame)
    for _ in range(chance.integer(2, 5)):
        ground = chance.choice((_twig, _leaf, _pebble))(chance, frame, ground)
    for _ in range(chance.integer(3, 7)):
        ground = _distractor(chance, frame, ground)
    return ground


def shade(picture: Tensor, distance: Tensor, softness: float, depth: float) -> Tensor:
    """Return the picture darkened by a soft shadow of the shape with that distance field."""
    return picture * (1 - depth * torch.sigmoid(-distance / softness))


def mark_colour(chance: Chance) -> Tensor:
    """Return a colour as the beetles' marks have it, ivory to orange; distractors share it."""
    return colour(chance.uniform(0.07, 0.16), chance.uniform(0.15, 0.85), chance.uniform(0.88, 1.0))


def _anywhere(chance: Chance, frame: Frame, scale: float) -> Frame:
    x, y, angle = chance.uniform(-0.5, 0.5), chance.uniform(-0.5, 0.5), chance.uniform(0, 2 * math.pi)
    return frame.moved(x, y, angle, scale)


def _twig(chance: Chance, frame: Frame, ground: Tensor) -> Tensor:
    local = _anywhere(chance, frame, chance.uniform(0.012, 0.025))
    bend = 1.2 * torch.sin(local.x / 9 + chance.uniform(0, 6))
    y, length = local.y + bend, chance.uniform(15, 40)
    distance = shapes.bar(local.x, y, length, 2.0)
    fork = shapes.bar(local.x + y - 4, (y - local.x) * 0.7 + 3, 5.0, 1.1)
    distance = torch.minimum(distance, fork)
    diffuse, _ = shine(0 * y, y.clamp(-1, 1), local.light, 1.0)
    wood = colour(chance.uniform(0.05, 0.1), chance.uniform(0.25, 0.6), chance.uniform(0.4, 0.75))
    ground = shade(ground, distance - 0.5, 0.7, 0.55)
    return paint(ground, wood * (0.35 + 0.85 * diffuse), shapes.cover(distance, local.pixel))


def _leaf(chance: Chance, frame: Frame, ground: Tensor) -> Tensor:
    local = _anywhere(chance, frame, chance.uniform(0.10, 0.2))
    x, y = local.x, local.y + 0.15 * local.x**2
    distance = shapes.length(x, y.abs() + 0.8) - 1.28
    hue, value = chance.uniform(0.03, 0.3), chance.uniform(0.4, 0.8)
    side = ((x - 0.8 * y.abs()) * 4.5) % 1 - 0.5
    vein = torch.exp(-((y / 0.035) ** 2)) + 0.45 * torch.exp(-((side / 0.12) ** 2))
    blade = colour(hue, chance.uniform(0.45, 0.75), value) * (
        0.85 + 0.25 * vein + 0.25 * y.sign() * local.light[1]
    )
    ground = shade(ground, distance - 0.03, 0.06, 0.6)
    return paint(ground, blade.clamp(0, 1), shapes.cover(distance, local.pixel))


def _pebble(chance: Chance, frame: Frame, ground: Tensor) -> Tensor:
    local, width = _anywhere(chance, frame, chance.uniform(0.03, 0.07)), chance.uniform(1, 1.6)
    distance = shapes.superellipse(local.x, local.y, width, 1.0, 2.3)
    diffuse, _ = shine(local.x / width * 0.8, local.y * 0.8, local.light, 1.0)
    stone = colour(chance.uniform(0, 0.15), chance.uniform(0.05, 0.3), chance.uniform(0.45, 0.85))
    ground = shade(ground, distance - 0.15, 0.15, 0.6)
    return paint(ground, stone * (0.3 + 0.85 * diffuse), shapes.cover(distance, local.pixel))


def _distractor(chance: Chance, frame: Frame, ground: Tensor) -> Tensor:
    local = _anywhere(chance, frame, chance.uniform(0.03, 0.05))
    x, y = local.x, local.y
    drawings: tuple[Callable[[], Tensor], ...] = (
        lambda: shapes.disk(x, y, 1.0),
        lambda: shapes.ring(x, y, 1.0, 0.7),
        lambda: shapes.bar(x, y, 2.2, 0.9),
        lambda: shapes.chevron(x, y, 2.2, 0.9),
    )
    distance = chance.choice(drawings)() + 0.5 * (ground.mean(0) - 0.5)
    relief = 0.75 + 0.5 * ground.mean(0) - 0.12 * (distance / 0.3).clamp(-1, 0)
    ground = shade(ground, distance - 0.1, 0.12, 0.4)
    return paint(ground, mark_colour(chance) * relief, 0.9 * shapes.cover(distance, local.pixel))
