"""Training that looks at more of the image: Saliency Guided Dropout."""

from captum_scd.regularization.dropout import SaliencyGuidedDropout
from captum_scd.regularization.saliency import gradient_x_activation

__all__ = ["SaliencyGuidedDropout", "gradient_x_activation"]
