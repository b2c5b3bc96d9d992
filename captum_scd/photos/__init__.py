"""Photos: finding them, reading them, and preparing what a network gets to see of them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from captum_scd.photos.finding import Found, below
    from captum_scd.photos.kinds import left_out
    from captum_scd.photos.preparing import ASSUMED, Normalization, PhotoInput, Preparation, View
    from captum_scd.photos.reading import read

__all__ = [
    "ASSUMED",
    "Found",
    "Normalization",
    "PhotoInput",
    "Preparation",
    "View",
    "below",
    "left_out",
    "read",
]

_WITHOUT_TORCH = {"Found": "finding", "below": "finding", "left_out": "kinds", "read": "reading"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: photos are found and counted without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WITHOUT_TORCH.get(name, 'preparing')}"), name)
