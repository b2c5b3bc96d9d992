"""Do two maps say the same?"""

import torch
from torch import Tensor

from captum_scd.metrics._maps import pixel_values


def rank_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Spearman's rank correlation of two maps over the pixels, ties at their average rank.

    It tells how alike two methods, seeds or models order the pixels, whatever the scale of their maps.
    Adebayo et al. 2018 ("Sanity checks for saliency maps") compare maps by it.

    Args:
        first: (N, C, *spatial) or (N, F); channels are summed.
        second: of the same size, with any number of channels.

    Returns:
        (N,) in [-1, 1]: 1 for the same order, 0 for unrelated ones, -1 for the reverse. Neither direction is
        better in itself. NaN where a map is flat, as in SciPy: it has no order, and 0 would pass it for
        unrelated (`torch.nanmean` leaves such examples out).

    Raises:
        ValueError: for maps of different sizes, or that are empty, NaN or infinite.

    >>> rank_correlation(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[10.0, 30.0, 20.0]]))
    tensor([0.5000])
    """
    one, other = pixel_values(first), pixel_values(second)
    if one.shape != other.shape:
        raise ValueError(
            f"Expected two maps of one size, but got {tuple(first.shape)} and {tuple(second.shape)}."
        )
    a, b = _centred_ranks(one.flatten(1)), _centred_ranks(other.flatten(1))
    spread = a.square().sum(1).sqrt() * b.square().sum(1).sqrt()
    return ((a * b).sum(1) / spread).clamp(-1, 1)


def _centred_ranks(values: Tensor) -> Tensor:
    """(N, pixels) -> ranks as shares of the pixels around 0, of equal values their average."""
    ordered = values.sort(1).values
    below = torch.searchsorted(ordered, values)
    not_above = torch.searchsorted(ordered, values, right=True)
    count = values.shape[1]
    return (below + not_above - count).float() / (2 * count)
