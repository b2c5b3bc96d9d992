"""From the values of a map to the colours of its panel: one rule for all maps of a figure."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

ROUND_OFF = 1e-6
"""Differences below this share of a map's largest magnitude are not told apart."""

PERCENTILE = 99.5
"""Percentile of the positive part that is drawn brightest; what lies above it is clipped."""


class Scale(NamedTuple):
    """How values become colours.

    Attributes:
        apply: (C, H, W) map -> (1, H, W) in [0, 1], NaN where the map has no finite value.
        note: what the colours say, for the key.
        ends: what the darkest and the brightest colour stand for.
    """

    apply: Callable[[Tensor], Tensor]
    note: str
    ends: tuple[str, str]


def by_rank(values: Tensor) -> Tensor:
    """Share of the map's other pixels that are less important, (C, H, W) -> (1, H, W) in [0, 1].

    Channels are summed. Ties share a rank, so that a flat map is 0 everywhere.

    >>> by_rank(torch.tensor([[[3.0, 7.0, 7.0, -1.0, 9.0]]]))
    tensor([[[0.2500, 0.5000, 0.5000, 0.0000, 1.0000]]])
    """
    total, known = _summed(values)
    steps = (total[known] / _round_off(total[known])).round()
    _, place, counts = steps.unique(return_inverse=True, return_counts=True)
    below = (counts.cumsum(0) - counts)[place]
    return total.masked_scatter(known, below.double() / max(1, len(below) - 1)).float()


def by_percentile(values: Tensor) -> Tensor:
    """Positive part of a map by its 99.5th percentile, (C, H, W) -> (1, H, W) in [0, 1].

    Channels are summed. A map without positive values is 0 everywhere.
    """
    total, known = _summed(values)
    energy = total.where(~(total <= _round_off(total[known])), 0.0)
    positive = energy[known].numpy()
    top = (np.percentile(positive, PERCENTILE) or positive.max()) if positive.any() else 1.0
    return (energy / float(top)).clamp(max=1).float()


COMPARED = "percentile"
"""The scale of maps of several methods side by side, in figures and on pages."""

SCALES = {
    "rank": Scale(by_rank, "share of the map's pixels that matter less", ("0 %", "100 %")),
    "percentile": Scale(by_percentile, "share of the map's 99.5th percentile", ("0 %", "100 %")),
}


def _summed(values: Tensor) -> tuple[Tensor, Tensor]:
    """Sum the channels of a map, NaN where that is not finite; (1, H, W) values, and where they are."""
    total = values.detach().cpu().double().sum(0, keepdim=True)
    known = total.isfinite()
    return total.where(known, torch.nan), known


def _round_off(finite: Tensor) -> float:
    """Least difference that counts, above 0."""
    largest = finite.abs().max().item() if len(finite) else 0.0
    return largest * ROUND_OFF or 1.0
