"""Where to cut: from an order of the cells to masks whose 0.5 is the best bargain.

A mask learned as an order of pixels has no natural threshold. A ladder of areas is tried on the model,
forward only, with the mask cut hard at each; the area at which FIDO's objective is least becomes the 0.5 of
the mask. The order is untouched.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from captum_scd.composites import Composites

LADDER = (0.01, 0.02, 0.03, 0.045, 0.065, 0.09, 0.12, 0.16, 0.21, 0.28, 0.4, 0.6)
"""Areas that are tried."""

LEAST = 1e-6
"""Shares below this count as this, so that their logarithm stays finite."""

SOFTNESS = (0.5, 1.0)
"""Width of the soft edge of SSR and SDR, in standard deviations of the mask's logits."""


def calibrate(
    composites: Composites, logits: Tensor, amount: Callable[[Tensor], Tensor] | None, area_weight: float
) -> Tensor:
    """Turn logits into masks.

    With k the share of the class that is there under the cut mask, relative to the whole input, SSR takes
    the area with the least -log(k) + area_weight * area, SDR that with the least
    -log(1 - k) + area_weight * area.

    Args:
        composites: the batch and the model.
        logits: (2, N, cells), SSR first, of mean 0 and mean square 1.
        amount: score -> amount of the class; None measures it from the infill's score to the input's.
        area_weight: price of the whole image.

    Returns:
        (2, N, cells) masks in [0, 1], 0.5 at the cut.
    """
    kept, left = _shares(composites, logits, amount)
    loss = -torch.stack([kept.clamp(LEAST, 1).log(), (1 - left).clamp(LEAST, 1).log()])
    rung = (loss + area_weight * torch.tensor(LADDER).to(loss)).argmin(2, keepdim=True)
    return _mask(logits, _cuts(logits).gather(2, rung))


def _mask(logits: Tensor, cut: Tensor) -> Tensor:
    softness = torch.tensor(SOFTNESS, device=logits.device).view(2, *(1,) * (logits.ndim - 1))
    return torch.sigmoid((logits - cut) / softness)


def _cuts(logits: Tensor) -> Tensor:
    """Thresholds (2, N, rungs) that leave the areas of the ladder above them, half way between two cells."""
    ordered = logits.sort(dim=-1, descending=True).values
    count = logits.shape[-1]
    inside = [min(count - 1, max(1, round(area * count))) for area in LADDER]
    lower = torch.tensor(inside, device=logits.device).clamp(max=count - 1)
    return (ordered[..., lower] + ordered[..., (lower - 1).clamp(min=0)]) / 2


def _shares(composites: Composites, logits: Tensor, amount: Callable[[Tensor], Tensor] | None) -> Tensor:
    """Share of the class (2, N, rungs) that is there under each mask cut at each rung."""
    count = logits.shape[1]
    ssr, sdr = _mask(logits[..., None, :], _cuts(logits)[..., None]).flatten(1, 2)
    examples = torch.arange(count, device=logits.device)
    rows = torch.cat([ssr, sdr, torch.zeros_like(ssr[: 2 * count])])
    which = torch.cat([examples.repeat_interleave(len(LADDER)).repeat(2), examples.repeat(2)])
    invert = torch.zeros(len(rows), dtype=torch.bool, device=logits.device)
    invert[len(ssr) : 2 * len(ssr) + count] = True
    scores = _hard_scores(composites, rows, which, invert)
    masked, whole, bare = scores.split([2 * len(ssr), count, count])
    return _relative(masked.view(2, count, -1), whole[:, None], bare[:, None], amount)


def _relative(
    masked: Tensor, whole: Tensor, bare: Tensor, amount: Callable[[Tensor], Tensor] | None
) -> Tensor:
    if amount is None:
        span = whole - bare
        return (masked - bare) / span.where(span != 0, 1.0)
    return amount(masked) / amount(whole).clamp(min=torch.finfo(whole.dtype).tiny)


def _hard_scores(composites: Composites, cells: Tensor, examples: Tensor, invert: Tensor) -> Tensor:
    """Scores (rows,) of masks cut at 0.5 at the inputs' resolution, inverted where asked; forward only."""

    def piece(rows: Tensor) -> Tensor:
        flip = invert[rows]
        masks = (mask >= 0.5 for mask in composites.grid.expand(cells[rows], examples[rows]))
        kept = tuple((mask ^ flip.view(-1, *(1,) * (mask.ndim - 1))).float() for mask in masks)
        return composites.scores(kept, examples[rows])

    with torch.no_grad():
        return torch.cat(composites.in_pieces(piece, len(cells)))
