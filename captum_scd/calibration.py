"""Where to cut: from an order of the cells to masks whose 0.5 is the best bargain.

A mask learned as an order of pixels has no natural threshold. A ladder of areas is tried on the model,
forward only, with the mask cut hard at each, and then some areas around the best. Where FIDO's objective
is least becomes the 0.5 of the mask. The order is untouched.
"""

import torch
from torch import Tensor

from captum_scd.trials import Trials

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


def calibrate(trials: Trials, logits: Tensor, area_weight: float) -> Tensor:
    """Turn logits into masks.

    With k the share of the class that is there under the cut mask, relative to the whole input, SSR takes
    the area with the least -log(k) + area_weight * area, SDR that with the least
    -log(1 - k) + area_weight * area.

    Args:
        trials: asks the model.
        logits: (2, N, cells), SSR first, of mean 0 and mean square 1.
        area_weight: price of the whole image.

    Returns:
        (2, N, cells) masks in [0, 1], 0.5 at the cut.
    """
    first = torch.tensor(LADDER, device=logits.device).expand(*logits.shape[:2], -1)
    coarse = _loss(trials, logits, first, area_weight)
    second = first.gather(2, coarse.argmin(2, keepdim=True)) * torch.tensor(BETWEEN, device=logits.device)
    areas = torch.cat([first, second], dim=2)
    losses = torch.cat([coarse, _loss(trials, logits, second, area_weight)], dim=2)
    return _mask(logits, _cuts(logits, areas.gather(2, losses.argmin(2, keepdim=True))))


def recut(logits: Tensor, masks: Tensor) -> Tensor:
    """Turn other logits (2, N, cells) into masks that have as many cells from 0.5 up as finished ones."""
    count = (masks >= 0.5).sum(-1, keepdim=True)
    ordered = logits.sort(dim=-1, descending=True).values
    last, first = (count - 1).clamp(min=0), count.clamp(max=logits.shape[-1] - 1)
    return _mask(logits, (ordered.gather(2, last) + ordered.gather(2, first)) / 2)


def cut_at(logits: Tensor, areas: Tensor, softness: float) -> Tensor:
    """Logits (N, cells) -> masks (N, R, cells), 0.5 and more on about the given areas (N, R)."""
    return torch.sigmoid((logits[:, None] - _cuts(logits, areas)[..., None]) / softness)


def _cuts(logits: Tensor, areas: Tensor) -> Tensor:
    """Thresholds (..., R) of logits (..., cells) with about the given areas (..., R) above them.

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
    return (ordered.gather(-1, place) + ordered.gather(-1, place + 1)) / 2


def _loss(trials: Trials, logits: Tensor, areas: Tensor, area_weight: float) -> Tensor:
    """FIDO's objective (2, N, R) where both masks are cut at some areas (2, N, R)."""
    ssr, sdr = map(cut_at, logits, areas, SOFTNESS)
    there = torch.stack([trials.shares(ssr, invert=False), 1 - trials.shares(sdr, invert=True)])
    return area_weight * areas - there.clamp(LEAST, 1).log()


def _mask(logits: Tensor, cut: Tensor) -> Tensor:
    softness = torch.tensor(SOFTNESS, device=logits.device).view(2, 1, 1)
    return torch.sigmoid((logits - cut) / softness)
