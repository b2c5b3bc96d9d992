"""Precise attribution masks for PyTorch classifiers, as a Captum plugin.

FIDO (Chang et al. 2019) with Simplified Concrete Dropout (Korsch et al. 2023).
"""

from captum_scd import infill, metrics, visualization
from captum_scd._version import __version__
from captum_scd.attribution import FIDOAttribution
from captum_scd.masks import FIDOMasks

__all__ = ["FIDOAttribution", "FIDOMasks", "__version__", "infill", "metrics", "visualization"]
