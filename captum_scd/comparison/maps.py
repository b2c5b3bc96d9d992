"""From what a method returns to one value per pixel, larger = more important."""

from collections.abc import Callable

import numpy as np
import torch
from captum.attr import Attribution, GradientAttribution, LayerAttribution, NoiseTunnel
from torch import Tensor

Ranking = Callable[[Tensor], Tensor]


def signed(attributions: Tensor) -> Tensor:
    """Sum over channels, (N, C, H, W) -> (N, 1, H, W): what speaks against the class ranks last."""
    return attributions.float().sum(1, keepdim=True)


def magnitude(attributions: Tensor) -> Tensor:
    """Sum of absolute values over channels, (N, C, H, W) -> (N, 1, H, W): what has no effect ranks last."""
    return attributions.float().abs().sum(1, keepdim=True)


def ranking_of(method: object) -> Ranking:
    """Choose how the pixels of a method's map are ranked.

    Gradients in the input, and what is made from them (Saliency, Integrated Gradients, Guided GradCAM,
    DeepLift, ...), rank by magnitude: their sign tells whether a pixel should be brighter or darker, and
    ranking by the signed sum is no better than chance, or far worse than by magnitude. All others, layers
    and perturbations, rank by the signed sum.
    """
    if isinstance(method, NoiseTunnel):
        return ranking_of(method.attribution_method)
    by_gradient = isinstance(method, GradientAttribution) and not isinstance(method, LayerAttribution)
    return magnitude if by_gradient else signed


def attributions_of(returned: object, inputs: Tensor) -> tuple[Tensor, str]:
    """Find the attributions in what a method returned, and bring them to the size of the images.

    Args:
        returned: (N, channels, h, w), (N, h, w) without channels, or (h, w) of the only image, as a tensor
            or an array of numpy; or a tuple that begins with it, as Captum's methods return with
            `return_convergence_delta`, and FIDO with `return_masks`.
        inputs: (N, C, H, W).

    Returns:
        (N, channels, H, W) without a graph, and a note on what was done to them. Maps of a layer, smaller
        than the images, are interpolated bilinearly.

    Raises:
        TypeError: if there is no tensor of numbers.
        ValueError: for a shape that does not fit the images, or values that are not finite.
    """
    values = _with_channels(_tensor_in(returned), len(inputs))
    count, _, height, width = inputs.shape
    if values.ndim != 4 or len(values) != count or values.numel() == 0:
        expected = f"({count}, channels, {height}, {width})"
        raise ValueError(f"Expected attributions of shape {expected}, but got {tuple(values.shape)}.")
    check_finite(values)
    own = values.detach().to(inputs.device)
    if own.shape[2:] == inputs.shape[2:]:
        return own.clone(memory_format=torch.contiguous_format), ""
    large = LayerAttribution.interpolate(own.float(), (height, width), "bilinear")
    return large, f"interpolated from {own.shape[2]} x {own.shape[3]}"


def flat(maps: Tensor) -> Tensor:
    """Tell which maps have one value everywhere, (N, 1, H, W) -> (N,) boolean."""
    values = maps.flatten(1)
    return values.amax(1) == values.amin(1)


def stretched(maps: Tensor) -> Tensor:
    """Stretch each map to [0, 1], so that scale does not pass for smoothness; a flat map becomes 0.

    >>> stretched(torch.tensor([[[[2.0, 4.0, 3.0]]], [[[5.0, 5.0, 5.0]]]])).flatten(1)
    tensor([[0.0000, 1.0000, 0.5000],
            [0.0000, 0.0000, 0.0000]])
    """
    low, high = maps.amin((1, 2, 3), keepdim=True), maps.amax((1, 2, 3), keepdim=True)
    return (maps - low) / (high - low).clamp(min=torch.finfo(maps.dtype).tiny)


def is_attribution(method: object) -> bool:
    """Tell one of Captum's attribution instances from a function."""
    return isinstance(method, Attribution)


def _tensor_in(returned: object) -> Tensor:
    """Find the tensor in what was returned, or make it of an array."""
    values = returned[0] if isinstance(returned, tuple) and returned else returned
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        values = torch.from_numpy(values.astype(values.dtype.newbyteorder("=")))
    if not isinstance(values, Tensor) or values.is_complex():
        raise TypeError(f"Expected a tensor of attributions, but got {type(values).__name__}.")
    return values


def _with_channels(values: Tensor, count: int) -> Tensor:
    """Bring (N, h, w), and (h, w) of the only image, to (N, 1, h, w); all else stays."""
    if values.ndim == 2 and count == 1:
        return values[None, None]
    return values[:, None] if values.ndim == 3 else values


def check_finite(values: Tensor) -> None:
    """Raise ValueError for maps (N, ...) that are not finite everywhere."""
    spoiled = int((~values.isfinite()).flatten(1).any(1).sum())
    if spoiled:
        raise ValueError(
            f"Expected finite attributions, but got NaN or infinity in {spoiled} of {len(values)}."
        )
