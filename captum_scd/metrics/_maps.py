"""Maps, masks and regions as metrics read them: one channel, checked."""

import torch
from torch import Tensor


def pixel_values(attributions: Tensor) -> Tensor:
    """Sum a map over its channels.

    Args:
        attributions: (N, C, *spatial), or (N, F) without channels.

    Returns:
        (N, 1, *spatial) or (N, F), float32 at least.

    Raises:
        TypeError: for anything but a tensor.
        ValueError: for a map that is empty or not finite, or has no pixels.
    """
    if not isinstance(attributions, Tensor):
        raise TypeError(f"Expected attributions to be a tensor, but got {type(attributions).__name__}.")
    if attributions.ndim < 2 or attributions.numel() == 0:
        came = tuple(attributions.shape)
        raise ValueError(f"Expected attributions (N, C, *spatial) or (N, F), nothing empty, but got {came}.")
    if not attributions.isfinite().all():
        raise ValueError("Expected finite attributions, but got NaN or infinity.")
    values = attributions.detach()
    wide = values if values.dtype == torch.float64 else values.float()
    return wide.sum(1, keepdim=True) if wide.ndim > 2 else wide


def map_values(inputs: Tensor, attributions: Tensor) -> Tensor:
    """Values of a map that belongs to the inputs, (N, 1, *spatial) or (N, F); ValueError if it does not."""
    values = pixel_values(attributions)
    fits = [tuple(inputs.shape)] + [(len(inputs), 1, *inputs.shape[2:])] * (inputs.ndim > 2)
    if tuple(attributions.shape) not in fits:
        expected = " or ".join(map(str, fits))
        raise ValueError(f"Expected attributions of shape {expected}, but got {tuple(attributions.shape)}.")
    return values


def unit_values(mask: Tensor, name: str = "mask") -> Tensor:
    """Values of a mask or region, float32; ValueError unless all are in [0, 1]."""
    values = mask.detach().float()
    if values.numel() and not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"Expected a {name} in [0, 1], but got values from {values.min():g} to {values.max():g}."
        )
    return values


def union(mask: Tensor) -> Tensor:
    """(N, C, *spatial) -> (N, 1, *spatial), the greatest value over the channels; (N, F) stays."""
    return mask.amax(1, keepdim=True) if mask.ndim > 2 else mask


def fitted_region(region: Tensor, values: Tensor) -> Tensor:
    """Read a region that belongs to a map.

    Args:
        region: (N or 1, C or 1, *spatial) boolean or in [0, 1]; channels are united.
        values: (N, 1, *spatial), the map as `pixel_values` gives it.

    Returns:
        (N or 1, 1, *spatial) in [0, 1], 1 inside.

    Raises:
        ValueError: for a region that does not fit the map, is empty in an example, or is not in [0, 1].
    """
    inside = union(unit_values(region, "region"))
    if inside.shape[1:] != values.shape[1:] or len(inside) not in (1, len(values)):
        raise ValueError(
            f"Expected a region that fits maps of shape {tuple(values.shape)}, but got {tuple(region.shape)}."
        )
    if not inside.flatten(1).any(1).all():
        raise ValueError("Expected a region with at least one pixel in each example, but got an empty one.")
    return inside
