"""Separable filters that reflect at the borders, for any number of spatial axes and any size."""

import torch
from torch import Tensor

DENSE = 2048
"""Up to this length an axis is filtered by a matrix (axis x axis); longer ones by a Fourier transform."""


def filtered(values: Tensor, kernel: Tensor) -> Tensor:
    """Filter along every spatial axis.

    Args:
        values: (N, C, *spatial); without spatial axes it is returned as it is.
        kernel: odd number of weights.

    Returns:
        Same shape and dtype; computed in float32 at least, so that half precision adds up no round-off.
    """
    wide = values if values.dtype == torch.float64 else values.float()
    for axis in range(2, values.ndim):
        along = _by_matrix if values.shape[axis] <= DENSE else _by_transform
        wide = along(wide.movedim(axis, -1), kernel).movedim(-1, axis)
    return wide.to(values.dtype).contiguous()


def gaussian(sigma: float) -> Tensor:
    """Gaussian weights out to four standard deviations (in elements), summing to 1."""
    radius = max(1, round(4 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32, device="cpu")
    return torch.softmax(-0.5 * (offsets / max(sigma, 1e-6)) ** 2, dim=0)


def box(width: float) -> Tensor:
    """Equal weights over an odd window at least 3 elements wide, summing to 1."""
    radius = max(1, round((width - 1) / 2))
    return torch.full((2 * radius + 1,), 1 / (2 * radius + 1), dtype=torch.float32, device="cpu")


def reflect(index: Tensor, size: int) -> Tensor:
    """Fold any integer index into 0 ... size - 1 by mirroring at the first and the last element."""
    if size == 1:
        return torch.zeros_like(index)
    period = 2 * (size - 1)
    folded = index.remainder(period)
    return torch.minimum(folded, period - folded)


def _by_matrix(values: Tensor, kernel: Tensor) -> Tensor:
    """Filter the last axis by a matrix, so that reflection is exact however small the axis is."""
    size, radius = values.shape[-1], len(kernel) // 2
    places = torch.arange(size, device=kernel.device)[:, None]
    sources = reflect(places + torch.arange(-radius, radius + 1, device=kernel.device), size)
    matrix = kernel.new_zeros(size, size).scatter_add_(1, sources, kernel.expand(size, -1).contiguous())
    found: Tensor = torch.tensordot(values, matrix.to(values), dims=([values.ndim - 1], [1]))
    return found


def _by_transform(values: Tensor, kernel: Tensor) -> Tensor:
    """Filter the last axis by a Fourier transform, whose cost hardly grows faster than the axis."""
    size, radius = values.shape[-1], len(kernel) // 2
    places = reflect(torch.arange(-radius, size + radius, device=values.device), size)
    mean = values.mean(-1, keepdim=True)  # apart, so that round-off is that of what varies
    padded, weights = (values - mean)[..., places], kernel.to(values)
    count = len(places) + 2 * radius
    product = torch.fft.rfft(padded, n=count) * torch.fft.rfft(weights.flip(0), n=count)
    varying: Tensor = torch.fft.irfft(product, n=count)[..., 2 * radius :][..., :size]
    return varying + mean * weights.sum()
