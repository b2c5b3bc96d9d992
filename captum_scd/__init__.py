"""Precise attribution masks for PyTorch classifiers, as a Captum plugin.

FIDO (Chang et al. 2019) with Simplified Concrete Dropout (Korsch et al. 2023).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from captum_scd._version import __version__

if TYPE_CHECKING:
    from captum_scd import infill, metrics, visualization
    from captum_scd.attribution import FIDOAttribution
    from captum_scd.classification import MaskGuidedClassifier
    from captum_scd.comparison import compare
    from captum_scd.dataset import explain_dataset
    from captum_scd.masks import FIDOMasks
    from captum_scd.models import logits_of
    from captum_scd.regularization import SaliencyGuidedDropout
    from captum_scd.store import MaskStore

__all__ = [
    "FIDOAttribution",
    "FIDOMasks",
    "MaskGuidedClassifier",
    "MaskStore",
    "SaliencyGuidedDropout",
    "__version__",
    "compare",
    "explain_dataset",
    "infill",
    "logits_of",
    "metrics",
    "visualization",
]

_ROOMS = {
    "FIDOAttribution": "attribution",
    "FIDOMasks": "masks",
    "MaskGuidedClassifier": "classification",
    "MaskStore": "store",
    "SaliencyGuidedDropout": "regularization",
    "compare": "comparison",
    "explain_dataset": "dataset",
    "logits_of": "models",
}
"""Where each name lives that is not a file or folder itself."""


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the help of the command line needs no torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = import_module(f"{__name__}.{_ROOMS.get(name, name)}")
    return getattr(room, name) if name in _ROOMS else room


def __dir__() -> list[str]:
    """Name what is there, imported or not."""
    return sorted({*globals(), *__all__})
