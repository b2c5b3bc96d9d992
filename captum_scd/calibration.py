"""Where to cut: from an order of the cells to masks whose 0.5 is the best bargain.

A mask learned as an order of pixels has no natural threshold. A ladder of areas is tried on the model,
forward only, with the mask cut hard at each, and then some areas around the best. Where FIDO's objective
is least becomes the 0.5 of the mask. The order is untouched.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from captum_scd.composites import Composites

LADDER = tuple(0.01 * 1.6**step for step in range(9))
"""Areas that are tried first, from 1 % to 43 %."""

BETWEEN = tuple(1.6**step for step in (-0.75, -0.5, -0.25, 0.25, 0.5, 0.75))
"""Areas that are tried next, as multiples of the best so far."""

SNAP = 1.1
"""How far a cut may move from its area, as a factor, to lie in a gap."""

LEAST = 1e-6
"""Shares below this count as this, so that their logarithm stays finite."""

SOFTNESS = (0.35, 0.7)
"""Width of the soft edge of SSR and SDR, in standard deviations of the mask's logits."""

Amount = Callable[[Tensor], Tensor] | None


def calibrate(composites: Composites, logits: Tensor, amount: Amount, area_weight: float) -> Tensor:
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
    trial = _Trial(composites, logits, amount, area_weight)
    first = torch.tensor(LADDER, device=logits.device).expand(*logits.shape[:2], -1)
    coarse = trial.loss(first)
    second = first.gather(2, coarse.argmin(2, keepdim=True)) * torch.tensor(BETWEEN, device=logits.device)
    areas = torch.cat([first, second], dim=2)
    best = torch.cat([coarse, trial.loss(second)], dim=2).argmin(2, keepdim=True)
    return _mask(logits, _cuts(logits, areas.gather(2, best)))


def recut(logits: Tensor, masks: Tensor) -> Tensor:
    """Turn other logits (2, N, cells) into masks that have as many cells from 0.5 up as finished ones."""
    count = (masks >= 0.5).sum(-1, keepdim=True)
    ordered = logits.sort(dim=-1, descending=True).values
    last, first = (count - 1).clamp(min=0), count.clamp(max=logits.shape[-1] - 1)
    return _mask(logits, (ordered.gather(2, last) + ordered.gather(2, first)) / 2)


class _Trial:
    """Tries areas on the model, forward only, with each mask cut hard."""

    def __init__(self, composites: Composites, logits: Tensor, amount: Amount, area_weight: float) -> None:
        self.composites, self.logits = composites, logits
        self.amount, self.area_weight = amount, area_weight
        self.examples = torch.arange(logits.shape[1], device=logits.device)
        nothing = torch.zeros_like(logits[0])
        self.bare = self._scores(nothing, self.examples, invert=False)[:, None]
        self.whole = self._scores(nothing, self.examples, invert=True)[:, None]

    def loss(self, areas: Tensor) -> Tensor:
        """Areas (2, N, R) -> FIDO's objective at each."""
        masks = _mask(self.logits[..., None, :], _cuts(self.logits, areas)[..., None]).flatten(1, 2)
        rows = self.examples.repeat_interleave(areas.shape[2])
        scores = (self._scores(mask, rows, invert) for mask, invert in zip(masks, (False, True), strict=True))
        kept, left = (self._share(score.view_as(areas[0])) for score in scores)
        there = torch.stack([kept, 1 - left]).clamp(LEAST, 1)
        return self.area_weight * areas - there.log()

    def _share(self, scores: Tensor) -> Tensor:
        if self.amount is None:
            span = self.whole - self.bare
            return (scores - self.bare) / span.where(span != 0, 1.0)
        return self.amount(scores) / self.amount(self.whole).clamp(min=torch.finfo(scores.dtype).tiny)

    def _scores(self, cells: Tensor, examples: Tensor, invert: bool) -> Tensor:
        """Scores (rows,) of masks cut at 0.5 at the inputs' resolution, or of what is outside them."""

        def piece(rows: Tensor) -> Tensor:
            masks = self.composites.grid.expand(cells[rows], examples[rows])
            return self.composites.scores(tuple(((m >= 0.5) ^ invert).float() for m in masks), examples[rows])

        with torch.no_grad():
            return torch.cat(self.composites.in_pieces(piece, len(cells)))


def _mask(logits: Tensor, cut: Tensor) -> Tensor:
    softness = torch.tensor(SOFTNESS, device=logits.device).view(2, *(1,) * (logits.ndim - 1))
    return torch.sigmoid((logits - cut) / softness)


def _cuts(logits: Tensor, areas: Tensor) -> Tensor:
    """Thresholds (2, N, R) with about the given areas (2, N, R) above them.

    Each lies in the widest gap between two cells within a factor `SNAP` of its area, so that cells of one
    value are not told apart by round-off.
    """
    ordered = logits.sort(dim=-1, descending=True).values
    count = logits.shape[-1]
    if count == 1:
        return ordered.expand_as(areas)
    above = torch.arange(1, count, device=logits.device)
    wanted = (areas * count).clamp(1, count - 1)[..., None]
    near = (above >= (wanted / SNAP).round()) & (above <= (wanted * SNAP).round())
    gaps = (ordered[..., :-1] - ordered[..., 1:])[..., None, :]
    place = torch.where(near, gaps, -1.0).argmax(-1)
    return (ordered.gather(2, place) + ordered.gather(2, place + 1)) / 2
