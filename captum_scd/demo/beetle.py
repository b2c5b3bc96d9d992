"""One beetle seen from above: a body that varies with the individual, a mark that varies with the species."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from captum_scd.demo import shapes
from captum_scd.demo.canvas import Frame, colour, paint, shine
from captum_scd.demo.chance import Chance
from captum_scd.demo.scenery import mark_colour, shade

SPECIES = (
    "shoulder-spot",
    "shoulder-ring",
    "straight-band",
    "chevron-band",
    "saddle-cross",
    "saddle-star",
    "lined-collar",
    "dotted-collar",
)
"""Names of the species by label; neighbours (0 and 1, 2 and 3, ...) are look-alikes."""


def look_alike(label: int) -> int:
    """Return the species that differs only in the shape or the place of the same small mark.

    >>> look_alike(0), look_alike(1)
    (1, 0)
    """
    return label ^ 1


@dataclass(frozen=True)
class Beetle:
    """What one individual looks like, apart from its mark. Lengths are in half body lengths.

    Attributes:
        width: half width of the wing cases.
        hue: hue of the shell in [0, 1).
        shift: change of hue from the middle of the shell to its rim.
        saturation: saturation of the shell in [0, 1].
        value: brightness of the shell in [0, 1].
        striae: number of grooves on each wing case.
        ends: end points of legs and antennae, shape (K, 4).
        thickness: their half thickness at both ends, shape (K, 2).
        mark: RGB colour of the mark, shape (3, 1, 1).
        mark_scale: size of the mark, about 1.
        mark_shift: where the mark sits, off its usual place, along the body.
    """

    width: float
    hue: float
    shift: float
    saturation: float
    value: float
    striae: int
    ends: Tensor
    thickness: Tensor
    mark: Tensor
    mark_scale: float
    mark_shift: float


def hatch(chance: Chance) -> Beetle:
    """Return a new individual; nothing about it depends on its species."""
    ends, thickness = _limbs(chance)
    return Beetle(
        width=chance.uniform(0.46, 0.56),
        hue=chance.uniform(),
        shift=chance.uniform(0.06, 0.16) * chance.sign(),
        saturation=chance.uniform(0.45, 0.9),
        value=chance.uniform(0.28, 0.5),
        striae=chance.integer(4, 6),
        ends=ends,
        thickness=thickness,
        mark=mark_colour(chance),
        mark_scale=chance.uniform(0.95, 1.15),
        mark_shift=chance.uniform(-0.03, 0.03),
    )


def draw(beetle: Beetle, label: int | None, frame: Frame, ground: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Paint a beetle over the ground.

    Args:
        beetle: the individual.
        label: the species whose mark it wears, or None for no mark at all.
        frame: the beetle's own frame: head towards negative y, half its length is 1.
        ground: RGB picture below it, shape (3, H, W).

    Returns:
        The picture (3, H, W), and two bool masks (H, W), True on the mark and on the body (head, thorax and
        wing cases). Without the mark's pixels the picture is the same for every label.
    """
    wings, thorax, head = _outline(beetle, frame)
    body = shapes.union((wings, thorax, head))
    picture = _underneath(beetle, frame, ground, body)
    mark = torch.zeros_like(body) if label is None else _mark(beetle, label, frame)
    mark = mark * shapes.cover(body + 2 * frame.pixel, frame.pixel)
    picture = paint(picture, _head(beetle, frame), shapes.cover(head, frame.pixel))
    picture = paint(picture, _wing_cases(beetle, frame, mark, thorax), shapes.cover(wings, frame.pixel))
    picture = paint(picture, _thorax(beetle, frame, mark), shapes.cover(thorax, frame.pixel))
    return picture.clamp(0, 1), mark > 0, shapes.cover(body, frame.pixel) > 0.5


def _outline(beetle: Beetle, frame: Frame) -> tuple[Tensor, Tensor, Tensor]:
    x, y = frame.x, frame.y
    wings = shapes.superellipse(x * (1 + 0.14 * (y - 0.3)), y - 0.29, beetle.width, 0.71, 2.25)
    thorax = shapes.superellipse(x * (1 - 0.45 * (y + 0.5)), y + 0.52, 0.83 * beetle.width, 0.245, 2.7)
    head = shapes.superellipse(x, y + 0.80, 0.23, 0.18, 2.2)
    return wings, thorax, torch.minimum(head, shapes.disk(x.abs() - 0.2, y + 0.80, 0.062))


def _underneath(beetle: Beetle, frame: Frame, ground: Tensor, body: Tensor) -> Tensor:
    lx, ly, _ = frame.light
    start, end = beetle.thickness.unbind(1)
    legs = shapes.limbs(frame.x, frame.y, beetle.ends, start, end)
    below = Frame(frame.x + 0.09 * lx, frame.y + 0.09 * ly, frame.pixel, frame.light)
    ground = shade(ground, shapes.union(_outline(beetle, below)), 0.05, 0.75)
    ground = shade(ground, legs, 0.03, 0.5)
    chitin = colour(beetle.hue, 0.5 * beetle.saturation, 0.16) + 0.16 * (-legs / 0.035).clamp(0, 1) ** 2
    return paint(ground, chitin, shapes.cover(legs, frame.pixel))


def _head(beetle: Beetle, frame: Frame) -> Tensor:
    diffuse, glint = shine(frame.x / 0.3, (frame.y + 0.8) / 0.28, frame.light, 30.0)
    shell = colour(beetle.hue + beetle.shift, beetle.saturation, 0.75 * beetle.value)
    eye = shapes.cover(shapes.disk(frame.x.abs() - 0.2, frame.y + 0.80, 0.06), frame.pixel)
    dark = torch.lerp(shell.expand(3, *eye.shape), colour(beetle.hue, 0.4, 0.06), eye)
    return dark * (0.35 + 0.9 * diffuse) + 0.45 * glint


def _thorax(beetle: Beetle, frame: Frame, mark: Tensor) -> Tensor:
    nx, ny = frame.x / beetle.width, (frame.y + 0.52) / 0.3
    diffuse, glint = shine(0.9 * nx, 0.8 * ny, frame.light, 24.0)
    shell = _iridescent(beetle, (nx**2 + ny**2).clamp(0, 1), 0.85)
    groove = 1 - 0.3 * torch.exp(-((frame.x / 0.02) ** 2))
    return torch.lerp(shell * groove, beetle.mark, mark) * (0.35 + 0.85 * diffuse) + 0.5 * glint


def _wing_cases(beetle: Beetle, frame: Frame, mark: Tensor, thorax: Tensor) -> Tensor:
    nx, ny = frame.x / beetle.width, (frame.y - 0.29) / 0.76
    across = (nx / (1 - ny**2).clamp(min=0.05).sqrt()).abs()
    dome = 0.95 * nx - 0.12 * torch.exp(-((frame.x / 0.1) ** 2)) * frame.x.sign()
    diffuse, glint = shine(dome, 0.8 * ny, frame.light, 18.0)
    shell, grooves = _iridescent(beetle, (nx**2 + ny**2).clamp(0, 1), 1.0), _grooves(beetle, across, frame.y)
    seam = 1 - 0.75 * torch.exp(-((frame.x / 0.016) ** 2))
    crease = 1 - 0.6 * torch.exp(-((thorax / 0.045) ** 2))
    light = (0.35 + 0.85 * diffuse) * seam * crease
    return torch.lerp(shell * grooves, beetle.mark * grooves**0.5, mark) * light + 0.5 * glint * seam


def _iridescent(beetle: Beetle, rim: Tensor, gain: float) -> Tensor:
    middle = colour(beetle.hue, beetle.saturation, 1.35 * gain * beetle.value)
    edge = colour(beetle.hue + beetle.shift, beetle.saturation, 0.95 * gain * beetle.value)
    return torch.lerp(middle, edge.expand(3, *rim.shape), rim)


def _grooves(beetle: Beetle, across: Tensor, along: Tensor) -> Tensor:
    line = 0.5 + 0.5 * torch.cos(2 * math.pi * beetle.striae * across)
    pits = 0.7 + 0.3 * torch.cos(46 * along)
    return 1 - 0.38 * line**3 * pits * (across < 0.97)


def _mark(beetle: Beetle, label: int, frame: Frame) -> Tensor:
    x, y, scale = frame.x, frame.y - beetle.mark_shift, beetle.mark_scale
    place = 0.52 * beetle.width
    marks: tuple[Callable[[], Tensor], ...] = (
        lambda: shapes.disk(x.abs() - place, y - 0.06, 0.135 * scale),
        lambda: shapes.ring(x.abs() - place, y - 0.06, 0.12 * scale, 0.075 * scale),
        lambda: shapes.bar(x, y - 0.36, 0.72 * beetle.width * scale, 0.13 * scale),
        lambda: shapes.chevron(x, y - 0.36, 0.72 * beetle.width * scale, 0.12 * scale),
        lambda: shapes.star(x, y - 0.3, 4, 0.23 * scale, 0.1 * scale),
        lambda: shapes.star(x, y - 0.3, 3, 0.25 * scale, 0.1 * scale),
        lambda: shapes.bar(x, (y + 0.52).abs() - 0.075 * scale, 0.56 * beetle.width * scale, 0.08 * scale),
        lambda: shapes.union(
            [shapes.disk(x.abs() - place, y + 0.52, 0.075 * scale) for place in (0.0, 0.24 * scale)]
        ),
    )
    return 0.95 * shapes.cover(marks[label](), frame.pixel)


def _limbs(chance: Chance) -> tuple[Tensor, Tensor]:
    sticks: list[list[float]] = []
    for side in (-1.0, 1.0):
        for hip, direction in ((-0.45, -0.75), (-0.12, 0.1), (0.12, 0.75)):
            sticks += _leg(side, hip, direction + chance.uniform(-0.2, 0.2), chance)
        sticks += _antenna(side, chance.uniform(-0.25, 0.25))
    table = torch.tensor(sticks)
    return table[:, :4], table[:, 4:]


def _leg(side: float, hip: float, direction: float, chance: Chance) -> list[list[float]]:
    bend = math.copysign(chance.uniform(0.5, 0.8), direction)
    angles = (direction, direction + bend, direction + bend * 0.6)
    joints = _chain(side, (0.25, hip), angles, (0.42, 0.30, 0.17))
    return _sticks(joints, (0.045, 0.04, 0.024, 0.014))


def _antenna(side: float, wobble: float) -> list[list[float]]:
    angles = tuple(-1.25 + wobble + 0.33 * i for i in range(4))
    return _sticks(
        _chain(side, (0.12, -0.9), angles, (0.13, 0.13, 0.13, 0.13)), (0.02, 0.018, 0.016, 0.014, 0.022)
    )


def _chain(
    side: float, start: tuple[float, float], angles: tuple[float, ...], lengths: tuple[float, ...]
) -> list[tuple[float, float]]:
    joints = [(side * start[0], start[1])]
    for angle, length in zip(angles, lengths, strict=True):
        x, y = joints[-1]
        joints.append((x + side * length * math.cos(angle), y + length * math.sin(angle)))
    return joints


def _sticks(joints: list[tuple[float, float]], radii: tuple[float, ...]) -> list[list[float]]:
    pairs = zip(joints[:-1], joints[1:], radii[:-1], radii[1:], strict=True)
    return [[*first, *second, start, end] for first, second, start, end in pairs]
