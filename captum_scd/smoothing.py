"""Separable filters that reflect at the borders, for any number of spatial axes and any size."""

import torch
from torch import Tensor


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
        matrix = _filter_matrix(kernel, values.shape[axis]).to(wide)
        wide = torch.tensordot(wide, matrix, dims=([axis], [1])).movedim(-1, axis)
    return wide.to(values.dtype).contiguous()


def gaussian(sigma: float) -> Tensor:
    """Gaussian weights out to four standard deviations (in elements), summing to 1."""
    radius = max(1, round(4 * sigma))
    offsets = torch.arange(-radius, radius + 1)
    return torch.softmax(-0.5 * (offsets / max(sigma, 1e-6)) ** 2, dim=0)


def box(width: float) -> Tensor:
    """Equal weights over an odd window at least 3 elements wide, summing to 1."""
    radius = max(1, round((width - 1) / 2))
    return torch.full((2 * radius + 1,), 1 / (2 * radius + 1))


def reflect(index: Tensor, size: int) -> Tensor:
    """Fold any integer index into 0 ... size - 1 by mirroring at the first and the last element."""
    if size == 1:
        return torch.zeros_like(index)
    period = 2 * (size - 1)
    folded = index.remainder(period)
    return torch.minimum(folded, period - folded)


def _filter_matrix(kernel: Tensor, size: int) -> Tensor:
    """Write the filter of an axis as a matrix, so that reflection is exact however small the axis is."""
    radius = len(kernel) // 2
    sources = reflect(torch.arange(size)[:, None] + torch.arange(-radius, radius + 1), size)
    return torch.zeros(size, size).scatter_add_(1, sources, kernel.expand(size, -1).contiguous())
