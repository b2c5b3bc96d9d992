"""From an attribution of a feature map to what is left of the map: pure functions, example by example.

Features lie as (N, ...), with the channels along one dimension: 1 in convolutional maps (N, C, H, W), the
last in tokens (N, T, D).
"""

import torch
from torch import Tensor

UNITS = ("feature", "channel", "position")
"""What is dropped at once: one number of the map, a channel with all its places, a place in all channels."""

ROUND_OFF = 1e-6
"""Keeps a count such as 0.29 * 100 from falling short of a whole number."""


def gradient_x_activation(features: Tensor, gradient: Tensor) -> Tensor:
    """Attribute the label's score to features: how much it falls, to first order, when one is set to zero.

    Saliency Guided Dropout (Bertoin et al. 2024, arXiv 2409.17370) applies a ReLU to this. Without it,
    features that speak for the label keep their order; of the others, those without influence come before
    those that speak against it.

    Args:
        features: output of the layer, (N, ...).
        gradient: derivative of the label's score in each feature, same shape.

    Returns:
        Same shape, in units of the score; larger is more salient.

    >>> gradient_x_activation(torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[3.0, -1.0, 5.0]]))
    tensor([[ 3., -2.,  0.]])
    """
    return features * gradient


def by_unit(attribution: Tensor, unit: str, channel_dim: int) -> Tensor:
    """Sum an attribution over each unit.

    Args:
        attribution: (N, ...), one value per feature.
        unit: one of `UNITS`.
        channel_dim: dimension of the channels.

    Returns:
        Same number of dimensions, of size 1 within a unit, so that it broadcasts to the features.

    Raises:
        ValueError: if all of an example is one unit.

    >>> by_unit(torch.ones(2, 3, 4, 5), "channel", channel_dim=1).shape
    torch.Size([2, 3, 1, 1])
    >>> by_unit(torch.ones(2, 7, 4), "position", channel_dim=-1).shape
    torch.Size([2, 7, 1])
    """
    saliency = attribution
    for dim in _dims_within(unit, range(attribution.ndim)[channel_dim], attribution.ndim):
        saliency = saliency.sum(dim, keepdim=True)
    if saliency[0].numel() == 1:
        raise ValueError(
            "Expected more than one unit to drop from, "
            f"but an attribution of shape {tuple(attribution.shape)} has one {unit}."
        )
    return saliency


def most_salient(saliency: Tensor, rate: float) -> Tensor:
    """Mark a share of each example's units, those with the largest values.

    Args:
        saliency: (N, ...), one value per unit.
        rate: share in [0, 1).

    Returns:
        Boolean, same shape: exactly floor(rate * units) of each example, however many are tied.

    >>> most_salient(torch.tensor([[0.3, 0.1, 0.4, 0.2], [0.0, 0.0, 0.0, 0.0]]), 0.5).sum(1)
    tensor([2, 2])
    """
    flat = saliency.flatten(1)
    chosen = flat.topk(_count(flat, rate), dim=1, sorted=False).indices
    return torch.zeros_like(flat, dtype=torch.bool).scatter_(1, chosen, True).view_as(saliency)


def thresholds(saliency: Tensor, rate: float) -> Tensor:
    """Find the value that only the most salient share of each example is above.

    Args:
        saliency: (N, ...), one value per unit.
        rate: share in [0, 1).

    Returns:
        (N,), at least 0, so that what is not salient is never above.
    """
    flat = saliency.flatten(1)
    first_kept = flat.topk(_count(flat, rate) + 1, dim=1, sorted=False).values.amin(1)
    return first_kept.clamp(min=0)


def without(features: Tensor, dropped: Tensor, rescale: bool) -> Tensor:
    """Set the dropped units of a feature map to zero.

    Args:
        features: (N, ...).
        dropped: boolean, broadcastable to the features.
        rescale: divide what is left by each example's share of units that are left.

    Returns:
        Features of the same shape and dtype; no gradient flows into the dropped ones.

    Raises:
        ValueError: if the units do not fit the features.
    """
    pairs = zip(dropped.shape, features.shape, strict=False)
    if dropped.ndim != features.ndim or any(units not in (1, size) for units, size in pairs):
        raise ValueError(
            f"Expected an attribution that broadcasts to the layer's output {tuple(features.shape)}, "
            f"but got {tuple(dropped.shape)}."
        )
    left = features.masked_fill(dropped, 0.0)
    if not rescale:
        return left
    kept = (~dropped).float().flatten(1).mean(1).clamp(min=1 / dropped[0].numel())
    return left / kept.to(features.dtype).view(-1, *(1,) * (features.ndim - 1))


def _dims_within(unit: str, channels: int, ndim: int) -> list[int]:
    """Dimensions that a unit extends over."""
    places = [dim for dim in range(1, ndim) if dim != channels]
    return {"feature": [], "channel": places, "position": [channels]}[unit]


def _count(flat: Tensor, rate: float) -> int:
    return min(int(rate * flat.shape[1] + ROUND_OFF), flat.shape[1] - 1)
