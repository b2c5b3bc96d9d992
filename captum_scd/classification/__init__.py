"""Answer better without training, by a second look at the region that a mask or another map marks.

Korsch et al. 2023 (arXiv 2307.14825): look at the image, learn what the answer hangs on, look at that alone,
and combine both answers.
"""

from captum_scd.classification.boxes import BoxRule
from captum_scd.classification.classifier import GuidedPrediction, MaskGuidedClassifier
from captum_scd.classification.combination import COMBINATIONS
from captum_scd.classification.crops import crop_resize
from captum_scd.classification.views import VIEWS

__all__ = ["COMBINATIONS", "VIEWS", "BoxRule", "GuidedPrediction", "MaskGuidedClassifier", "crop_resize"]
