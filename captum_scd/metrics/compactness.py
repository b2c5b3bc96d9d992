"""How small, how sparse and how smooth a map is, without asking the model."""

import math

import torch
from torch import Tensor

from captum_scd.grid import total_variation
from captum_scd.metrics._maps import pixel_values, unit_values

__all__ = ["area", "entropy", "gini", "total_variation"]


def area(mask: Tensor) -> Tensor:
    """Share of the image that a mask covers: its mean.

    Args:
        mask: (N, ...) in [0, 1], or boolean.

    Returns:
        (N,) in [0, 1]; smaller is more compact.

    Raises:
        ValueError: for values outside [0, 1].

    >>> area(torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]]))
    tensor([0.2500])
    """
    return unit_values(mask).flatten(1).mean(1)


def entropy(attributions: Tensor) -> Tensor:
    """Entropy of a map's positive energy as a distribution over pixels.

    The complexity of Bhatt, Weller and Moura 2020 ("Evaluating and aggregating feature-based model
    explanations"), here of the positive energy, and divided by its greatest value, the logarithm of the
    number of pixels, so that images of any size compare.

    Args:
        attributions: (N, C, *spatial) or (N, F); channels are summed, negative values count as zero.

    Returns:
        (N,) in [0, 1]; smaller is more compact: 0 for a single pixel, 1 for a flat map, log(k) / log(n) for
        k equal pixels of n. A map without positive values counts as flat.

    Raises:
        ValueError: for a map that is empty, NaN or infinite.

    >>> entropy(torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]]))
    tensor([0.5000])
    """
    shares = _energy_shares(attributions)
    scattered: Tensor = torch.special.entr(shares).sum(1)
    return scattered / math.log(max(2, shares.shape[1]))


def gini(attributions: Tensor) -> Tensor:
    """Gini index of a map's positive energy (Hurley and Rickard 2009, "Comparing measures of sparsity").

    Args:
        attributions: (N, C, *spatial) or (N, F); channels are summed, negative values count as zero.

    Returns:
        (N,) in [0, 1 - 1 / pixels]; larger is sparser: 0 for a flat map, 1 - k / n for k equal pixels of n.
        A map without positive values counts as flat.

    Raises:
        ValueError: for a map that is empty, NaN or infinite.

    >>> gini(torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]]))
    tensor([0.5000])
    """
    shares = _energy_shares(attributions).sort(1).values
    count = shares.shape[1]
    weights = (count - 0.5 - torch.arange(count, dtype=shares.dtype, device=shares.device)) / count
    return 1 - 2 * (shares * weights).sum(1)


def _energy_shares(attributions: Tensor) -> Tensor:
    """(N, pixels) positive energy that sums to 1, equal shares where there is none."""
    energy = pixel_values(attributions).clamp(min=0).flatten(1)
    total = energy.sum(1, keepdim=True)
    return torch.where(total > 0, energy / total.where(total > 0, 1.0), 1 / energy.shape[1])
