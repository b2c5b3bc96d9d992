"""What FIDO's two regions do, and the columns of it."""

import torch
from torch import Tensor, nn

from captum_scd import FIDOMasks, metrics
from common.tables import Values

CUT = 0.5
REGION_HEADINGS = {
    "ssr_kept": "SSR keeps ↑",
    "ssr_area": "SSR area ↓",
    "sdr_left": "SDR leaves ↓",
    "sdr_area": "SDR area ↓",
    "ssr_order": "keeps 90 % in the order of SSR ↓",
    "sdr_order": "leaves 5 % in the order of SDR ↓",
}

ROWS = 8
"""Rows in one pass: few fit the processor's cache better."""


def regions(model: nn.Module, masks: FIDOMasks, inputs: Tensor, target: Tensor) -> Values:
    """What each of FIDO's two masks does for its own question, cut into a region and as an order."""
    ssr, sdr = masks.threshold(CUT, "ssr"), masks.threshold(CUT, "sdr")
    whole, kept, left = (
        metrics.probability_under(model, inputs, seen, masks.infill, target)
        for seen in (torch.ones_like(ssr), ssr, ~sdr)
    )
    return {
        "ssr_kept": (kept / whole).clamp(max=1),
        "ssr_area": metrics.area(ssr),
        "sdr_left": (left / whole).clamp(max=1),
        "sdr_area": metrics.area(sdr),
        "ssr_order": metrics.sufficient_area(model, inputs, masks.ssr, masks.infill, target),
        "sdr_order": metrics.destroying_area(model, inputs, masks.sdr, masks.infill, target),
    }
