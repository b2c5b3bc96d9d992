"""For Captum's own pictures: arrays that `captum.attr.visualization` takes and draws as what they are."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from captum_scd.visualization.checks import check_choice
from captum_scd.visualization.pictures import Picture, denormalize
from captum_scd.visualization.scales import ROUND_OFF

SIGNS = ("all", "positive", "negative", "absolute_value")
"""What `visualize_image_attr` may be asked to draw."""


def to_captum(attributions: Tensor, sign: str = "absolute_value") -> Picture:
    """Turn any attributions into what `captum.attr.visualization.visualize_image_attr` accepts.

    Captum divides a map by a large value of the sign that is asked for, and raises where there is none, or
    where a value is NaN. Here the channels are summed, and the map scaled to a largest magnitude of 1,
    which changes no picture; NaN and infinity become 0, as does round-off. A map that is left without
    a value of the sign gets one infinite corner, by which Captum divides: all comes out as 0, the corner
    without colour, so that the picture is empty. NumPy may warn of the division.

    Give `sign` both here and to Captum: a map made ready for one sign may have nothing of another. Masks,
    which are in [0, 1], have no negative part: `"positive"`, `"absolute_value"` and `"all"` draw the same
    values, each in its own colours, and `"negative"` draws nothing.

    Args:
        attributions: (N, C, H, W), of any floating-point type.
        sign: that Captum will be given: `"all"`, `"positive"`, `"negative"` or `"absolute_value"`.

    Returns:
        (N, H, W, 1) float32 array; give Captum one of the N.

    Raises:
        ValueError: for an unknown sign, or attributions of another shape.

    >>> to_captum(torch.tensor([[[[1.0, -4.0]], [[1.0, 0.0]]]]))[0, 0, :, 0]
    array([ 0.5, -1. ], dtype=float32)
    """
    check_choice("sign", sign, SIGNS)
    if attributions.ndim != 4 or not attributions[:1].numel():
        raise ValueError(f"Expected attributions of shape (N, C, H, W), but got {tuple(attributions.shape)}.")
    total = attributions.detach().cpu().double().sum(1, keepdim=True).permute(0, 2, 3, 1).numpy()
    return np.stack([_drawable(one, sign) for one in total])


def image_to_captum(inputs: Tensor, mean: Sequence[float], std: Sequence[float]) -> Picture:
    """Turn normalised images into what Captum takes as `original_image`.

    Args:
        inputs: (N, 3 or 1, H, W) normalised images.
        mean, std: one number per channel; 0 and 1 for images that are in [0, 1] as they are.

    Returns:
        (N, H, W, 3) float32 array in [0, 1]; give Captum one of the N.

    Raises:
        ValueError: for inputs of another shape, or another count of numbers.

    >>> grey = torch.zeros(1, 1, 4, 6)
    >>> image_to_captum(grey, mean=[0.5], std=[0.25]).shape
    (1, 4, 6, 3)
    """
    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        raise ValueError(f"Expected images of shape (N, 3 or 1, H, W), but got {tuple(inputs.shape)}.")
    pixels = denormalize(inputs.detach().float().cpu(), mean, std).expand(-1, 3, -1, -1)
    pictures: Picture = pixels.permute(0, 2, 3, 1).contiguous().numpy()
    return pictures


def _drawable(total: Picture, sign: str) -> Picture:
    """Scale a map (H, W, 1), and make it one that Captum can divide by."""
    values = np.where(np.isfinite(total), total, 0.0)
    largest = np.abs(values).max()
    values = (values / (largest or 1.0)).astype(np.float32)
    values[np.abs(values) < ROUND_OFF] = 0
    asked = {"positive": values > 0, "negative": values < 0}.get(sign, values != 0)
    if not asked.any():
        values[0, 0] = -np.inf if sign == "negative" else np.inf
    return values
