"""Precise attribution masks for PyTorch classifiers, as a Captum plugin.

FIDO (Chang et al. 2019) with Simplified Concrete Dropout (Korsch et al. 2023).
"""

from captum_scd import infill, metrics, visualization
from captum_scd._version import __version__
from captum_scd.attribution import FIDOAttribution
from captum_scd.classification import MaskGuidedClassifier
from captum_scd.comparison import compare
from captum_scd.dataset import explain_dataset
from captum_scd.masks import FIDOMasks
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
    "metrics",
    "visualization",
]
