"""Tensors to pictures: arrays (H, W, 3) in [0, 1]."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from captum_scd.visualization.checks import check_image

COLORS = "magma"
"""Dark is unimportant, bright is important; even in lightness, so it survives print and colour blindness."""

Picture = NDArray[Any]


def denormalize(inputs: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Undo a channel-wise normalisation and clip to [0, 1], for display.

    Args:
        inputs: (N, C, H, W) normalised images.
        mean, std: one number per channel.

    Returns:
        (N, C, H, W) in [0, 1].

    Raises:
        ValueError: for inputs of another shape, or another count of numbers.

    >>> denormalize(torch.tensor([-1.0, 0.0, 1.0]).view(1, 1, 1, 3), mean=[0.5], std=[0.25])
    tensor([[[[0.2500, 0.5000, 0.7500]]]])
    """
    if inputs.ndim != 4 or not len(mean) == len(std) == inputs.shape[1]:
        raise ValueError(
            "Expected `inputs` of shape (N, C, H, W) with C numbers in `mean` and `std`, "
            f"but got {tuple(inputs.shape)} with {len(mean)} and {len(std)}."
        )
    shape = (1, -1, 1, 1)
    scale, shift = (torch.as_tensor(values).to(inputs).view(shape) for values in (std, mean))
    return (inputs * scale + shift).clamp(0, 1)


def overlay(image: Tensor, mask: Tensor) -> Picture:
    """Paint a mask over a greyed photo.

    Args:
        image: (3 or 1, H, W) in [0, 1].
        mask: (1, H, W); clipped to [0, 1], NaN counts as 0.

    Returns:
        (H, W, 3) array in [0, 1]: dark grey photo where the mask is 0, bright colour where it is 1.

    Raises:
        ValueError: for another shape, or an image outside [0, 1].

    >>> picture = overlay(torch.full((3, 1, 2), 0.5), torch.tensor([[[0.0, 1.0]]]))
    >>> picture.shape, picture.mean(2).round(1).tolist()
    ((1, 2, 3), [[0.3, 0.8]])
    """
    weight = _weight(image, mask)
    picture: Picture = 0.6 * (1 - 0.75 * weight) * _grey(image) + 0.75 * weight * _colors(weight)
    return picture


def tinted(image: Tensor, mask: Tensor) -> Picture:
    """Paint a mask as one layer of colour through which the photo shows faintly.

    Unlike `overlay` it keeps the colour scale whole: wherever the photo is, brighter is more important.

    Args:
        image, mask: as for `overlay`.

    Returns:
        (H, W, 3) array in [0, 1].

    Raises:
        ValueError: for another shape, or an image outside [0, 1].
    """
    picture: Picture = 0.3 * _grey(image) + 0.7 * _colors(_weight(image, mask))
    return picture


def _grey(image: Tensor) -> Picture:
    """(H, W, 1) mean of the channels."""
    grey: Picture = to_picture(image).mean(2, keepdims=True)
    return grey


def _colors(weight: Picture) -> Picture:
    """(H, W, 1) in [0, 1] -> (H, W, 3)."""
    import matplotlib as mpl

    colors: Picture = mpl.colormaps[COLORS](weight[..., 0])[..., :3]
    return colors


def _weight(image: Tensor, mask: Tensor) -> Picture:
    """Check both; the mask as an array (H, W, 1) in [0, 1]."""
    check_image("image", image)
    if tuple(mask.shape) != (1, *image.shape[1:]):
        raise ValueError(
            f"Expected `mask` of shape {(1, *image.shape[1:])} for this image, but got {tuple(mask.shape)}."
        )
    weight: Picture = np.nan_to_num(mask.detach().float().cpu().numpy()[0, ..., None]).clip(0, 1)
    return weight


def to_picture(image: Tensor) -> Picture:
    """(3 or 1, H, W) tensor -> (H, W, 3) array in [0, 1]."""
    pixels = image.detach().float().cpu().clamp(0, 1).expand(3, -1, -1)
    picture: Picture = pixels.permute(1, 2, 0).numpy()
    return picture
