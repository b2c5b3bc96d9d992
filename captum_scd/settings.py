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
            check_integer(name, getattr(self, name), least=1)
        for name in ("alternatives", "seed", "trajectory"):
            check_integer(name, getattr(self, name), least=0)
        if self.internal_batch_size is not None:
            check_integer("internal_batch_size", self.internal_batch_size, least=1)
        check_number("temperature", self.temperature, positive=True)
        for name in ("learning_rate", "area_weight", "tv_weight"):
            check_number(name, getattr(self, name), positive=False)

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
    check_integer("perturbations_per_eval", perturbations_per_eval, least=1)
    return perturbations_per_eval


def check_integer(name: str, value: object, least: int) -> None:
    """Raise unless a setting is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"Expected `{name}` to be an integer, but got {value!r}.")
    if value < least:
        raise ValueError(f"Expected `{name}` to be at least {least}, but got {value}.")


def check_number(name: str, value: object, positive: bool) -> None:
    """Raise unless a setting is a finite number above 0 (`positive`), or not below it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"Expected `{name}` to be a number, but got {value!r}.")
    if not (value > 0 if positive else value >= 0) or value == float("inf"):
        raise ValueError(
            f"Expected `{name}` to be {'above' if positive else 'at least'} 0 and finite, but got {value}."
        )


DEFAULTS = Settings()
"""What holds where nothing is said."""

NAMES = tuple(field.name for field in fields(Settings))
"""What the settings are called, here and in `attribute`."""
