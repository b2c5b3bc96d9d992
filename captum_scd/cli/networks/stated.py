"""What a network says of the images it takes, and of its classes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from torch import nn

from captum_scd._errors import UsageError

CONFIGURATIONS = ("pretrained_cfg", "default_cfg")
"""Attributes in which timm's networks keep what they were trained on, the one that counts first."""


@dataclass(frozen=True)
class Stated:
    """What a network says of its inputs and classes; None, or no names, where it says nothing.

    Attributes:
        size: pixels; height and width of what it takes.
        resize: pixels; length of the shorter side before the middle is cut out.
        mean, std: of RGB in [0, 1], taken out before the network; both or neither.
        names: of the classes, in output order.
    """

    size: int | None = None
    resize: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    names: tuple[str, ...] = ()


def said_by(network: nn.Module) -> Stated:
    """Read what a network says of itself.

    Its attributes `size`, `mean`, `std` and `class_names` count; what they do not say, the configuration does
    that timm's networks carry. Tensors are left alone: a network with a mean among its buffers takes it out
    by itself.

    Raises:
        UsageError: for a mean or a deviation that cannot be one.
    """
    given = next(filter(None, (_mapping(network, name) for name in CONFIGURATIONS)), {})
    size = _size(getattr(network, "size", None))
    resize = None if size else _resize(given)
    mean, std = (_numbers(getattr(network, name, None)) for name in ("mean", "std"))
    if mean is None or std is None:
        mean, std = (_numbers(given.get(name)) for name in ("mean", "std"))
    names = _names(getattr(network, "class_names", None))
    return Stated(size or _size(given.get("input_size")), resize, *normalizing(mean, std), names)


def normalizing(mean: Any, std: Any) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Return both as three numbers each, or None twice where one of them is missing.

    Raises:
        UsageError: if they are not finite, or a deviation is not positive.
    """
    if mean is None or std is None:
        return None, None
    mean, std = tuple(map(float, mean)), tuple(map(float, std))
    if not all(map(math.isfinite, mean + std)) or min(std) <= 0:
        raise UsageError(
            "Expected the model's own `mean` to be finite and its `std` to be positive, "
            f"but got {mean} and {std}."
        )
    return mean, std


def _mapping(network: nn.Module, name: str) -> Mapping[str, Any]:
    found = getattr(network, name, None)
    return found if isinstance(found, Mapping) else {}


def _numbers(value: object) -> tuple[float, ...] | None:
    """Three numbers in a list or a tuple, None for all else."""
    fits = isinstance(value, list | tuple) and len(value) == 3 and all(isinstance(one, Real) for one in value)
    return tuple(value) if fits else None  # type: ignore[arg-type]


def _size(value: object) -> int | None:
    """N of N, (N, N) or (3, N, N); None for all else."""
    sides = value[-2:] if isinstance(value, list | tuple) else (value,)
    whole = all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides)
    return sides[0] if sides and whole and len(set(sides)) == 1 else None


def _resize(given: Mapping[str, Any]) -> int | None:
    """Length of the shorter side that timm resizes to; all of it where it does not crop."""
    size, share = _size(given.get("input_size")), given.get("crop_pct")
    if size is None or not isinstance(share, int | float) or not 0 < share <= 1:
        return None
    return size if given.get("crop_mode") == "squash" else int(size / share)


def _names(value: object) -> tuple[str, ...]:
    fits = isinstance(value, Sequence) and not isinstance(value, str) and bool(value)
    return tuple(value) if fits and all(isinstance(one, str) for one in value) else ()  # type: ignore
