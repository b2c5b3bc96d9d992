"""Maps blurred until they are as smooth as others: does smoothness alone win?"""

import torch
from torch import Tensor

from captum_scd.comparison.maps import stretched
from captum_scd.metrics import total_variation
from captum_scd.smoothing import filtered, gaussian

HALVINGS = 8
"""Steps of the search for the least width: it is found to a 250th of the widest."""

WIDEST = 0.125
"""Of the shorter side: the widest standard deviation that is tried; what is rougher even then stays so."""


def as_smooth(maps: Tensor, limits: Tensor) -> Tensor:
    """Blur each map by the narrowest Gaussian that brings its total variation down to a limit.

    Args:
        maps: (N, 1, H, W).
        limits: (N,) total variation of the stretched map, such as that of FIDO's.

    Returns:
        (N, 1, H, W); maps that are as smooth already are returned as they are, to the last bit.
    """
    rows = [_one(one[None], limit) for one, limit in zip(maps, limits.tolist(), strict=True)]
    return torch.cat(rows)


def _one(values: Tensor, limit: float) -> Tensor:
    if roughness(values) <= limit:
        return values
    low, high = 0.0, WIDEST * min(values.shape[2:])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        smooth = roughness(filtered(values, gaussian(middle))) <= limit
        low, high = (low, middle) if smooth else (middle, high)
    return filtered(values, gaussian(high))


def roughness(values: Tensor) -> float:
    """Total variation of one map (1, 1, H, W), stretched to [0, 1]."""
    return float(total_variation(stretched(values)))
