"""The numbers of a run: their names and defaults, checked once, and kept with its masks."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from captum_scd.grid import MaskSize
from captum_scd.masks import check_mode


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of `FIDOAttribution.attribute`, under the same names and with its defaults.

    Raises:
        ValueError: for a number out of its range.
        TypeError: for a value of the wrong type.
    """

    mode: str = "joint"
    n_iterations: int = 36
    n_samples: int = 1
    mask_size: MaskSize = None
    temperature: float = 0.6
    learning_rate: float = 1.0
    area_weight: float = 0.7
    tv_weight: float = 0.0
    n_restarts: int = 2
    alternatives: int = 0
    internal_batch_size: int | None = None
    seed: int = 0
    trajectory: int = 0

    def __post_init__(self) -> None:
        check_mode(self.mode)
        for name in ("n_iterations", "n_samples", "n_restarts"):
            self._settle(name, check_integer(name, getattr(self, name), least=1))
        for name in ("alternatives", "seed", "trajectory"):
            self._settle(name, check_integer(name, getattr(self, name), least=0))
        if self.internal_batch_size is not None:
            rows = check_integer("internal_batch_size", self.internal_batch_size, least=1)
            self._settle("internal_batch_size", rows)
        self._settle("temperature", check_number("temperature", self.temperature, positive=True))
        for name in ("learning_rate", "area_weight", "tv_weight"):
            self._settle(name, check_number(name, getattr(self, name), positive=False))
        sizes = tuple(map(_plain, self.mask_size)) if isinstance(self.mask_size, tuple) else self.mask_size
        self._settle("mask_size", _plain(sizes))

    def _settle(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def record(self) -> dict[str, Any]:
        """Settings as JSON can hold them."""
        return asdict(self)


def one_cap(internal_batch_size: int | None, perturbations_per_eval: int | None) -> int | None:
    """Return most rows in a pass, under whichever of its two names they were given.

    Raises:
        ValueError: where both were given.
    """
    if perturbations_per_eval is None:
        return internal_batch_size
    if internal_batch_size is not None:
        raise ValueError(
            "Expected either `internal_batch_size` or `perturbations_per_eval`, its name in FeatureAblation, "
            f"but got both, {internal_batch_size} and {perturbations_per_eval}."
        )
    return check_integer("perturbations_per_eval", perturbations_per_eval, least=1)


def check_integer(name: str, value: object, least: int) -> int:
    """Return a setting as an int, also one of NumPy or a 0-d tensor; raise unless it is at least `least`."""
    number = _plain(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"Expected `{name}` to be an integer, but got {value!r}.")
    if number < least:
        raise ValueError(f"Expected `{name}` to be at least {least}, but got {number}.")
    return number


def check_number(name: str, value: object, positive: bool) -> float:
    """Return a setting as a plain number; raise unless finite and above 0 (`positive`) or at least 0."""
    number = _plain(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f"Expected `{name}` to be a number, but got {value!r}.")
    if not (number > 0 if positive else number >= 0) or number == float("inf"):
        raise ValueError(
            f"Expected `{name}` to be {'above' if positive else 'at least'} 0 and finite, but got {number}."
        )
    return number


def _plain(value: Any) -> Any:
    """Take a number out of NumPy or a 0-d tensor; leave all else."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


DEFAULTS = Settings()
"""What holds where nothing is said."""

NAMES = tuple(field.name for field in fields(Settings))
"""What the settings are called, here and in `attribute`."""
