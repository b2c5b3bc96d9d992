"""Where to cut: from an order of the cells to masks whose 0.5 is the best bargain.

A mask learned as an order of pixels has no natural threshold. A ladder of areas is tried on the model,
forward only, with the mask cut hard at each, and then some areas around the best. Where FIDO's objective
is least becomes the 0.5 of the mask: a soft edge around a region, 0 far from it. Inside the region and
outside it a little of the range is left to the details, so that a map ranks all pixels and yet looks like
what it is: one region.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from captum_scd.optimization import normalized
from captum_scd.trials import Trials

LADDER = tuple(0.01 * 1.6**step for step in range(9))
"""Areas that are tried first, from 1 % to 43 %."""

BETWEEN = tuple(1.6**step for step in (-0.75, -0.5, -0.25, 0.25, 0.5, 0.75))
"""Areas that are tried next, as multiples of the best so far."""

SNAP = 1.1
"""How far a cut may move from its area, as a factor, to lie in a gap."""

ALIKE = 1e-4
"""Cells whose logits differ by less, in standard deviations, lie on the same side of a cut."""

LEAST = 1e-3
"""Shares below this count as this, so that their logarithm stays finite."""

CHANCE = 0.2
"""Share of the class up to which an infill is said to give none: one class of five."""

SOFTNESS = 0.35
"""Width of the soft edge, in standard deviations of the mask's logits."""

DETAIL = 0.15
"""Share of a mask's range that is left to details inside and outside its region."""

TAIL = 0.1
"""Most that details outside its region add up to, as a share of the region, however small that is."""

RARE = (1.5, 1.0)
"""How steeply details begin to count, and from where on, in standard deviations."""


class Order(NamedTuple):
    """What is to be cut.

    Attributes:
        region: (2, N, cells) logits, SSR first, of mean 0 and mean square 1.
        detail: (N, cells), what ranks the cells where the region does not, of any size.
    """

    region: Tensor
    detail: Tensor


def calibrate(trials: Trials, order: Order, area_weight: float) -> Tensor:
    """Turn an order into masks.

    With k the share of the class that is there under the cut mask, relative to the whole input, SSR takes
    the area with the least -log(k) + area_weight * area, SDR that with the least
    -log(1 - k) + area_weight * area; under several infills the logarithms are averaged. SDR gains nothing by
    leaving less than the infill alone gives: such a region does not hold the class, it speaks against it.

    Args:
        trials: asks the model.
        order: of the cells.
        area_weight: price of the whole image.

    Returns:
        (2, N, cells) masks in [0, 1], 0.5 at the cut.
    """
    areas, losses = bargains(trials, order.region, area_weight)
    best = areas.gather(2, losses.argmin(2, keepdim=True))
    return _mask(order, _cuts(order.region, best))


def bargains(trials: Trials, region: Tensor, area_weight: float) -> tuple[Tensor, Tensor]:
    """Try the ladder, and what is between its best and the next: areas and losses, (2, N, R) each."""
    first = _ladder(region)
    coarse = _loss(trials, region, first, area_weight)
    second = first.gather(2, coarse.argmin(2, keepdim=True)) * region.new_tensor(BETWEEN)
    fine = _loss(trials, region, second, area_weight)
    return torch.cat([first, second], dim=2), torch.cat([coarse, fine], dim=2)


def bargain(trials: Trials, region: Tensor, area_weight: float) -> Tensor:
    """Least loss of both masks together on the ladder, (N,) in nats: 0 were nothing needed at all."""
    return _loss(trials, region, _ladder(region), area_weight).amin(2).sum(0)


def sufficiency(trials: Trials, ssr: Tensor, area_weight: float) -> Tensor:
    """Least loss of an SSR order (N, cells) on the ladder, (N,) in nats."""
    areas = _ladder(ssr)
    return _price(trials.shares(cut_at(ssr, areas, SOFTNESS), invert=False), areas, area_weight).amin(1)


def _ladder(orders: Tensor) -> Tensor:
    """Areas (..., R) that are tried first for orders (..., cells)."""
    return orders.new_tensor(LADDER).expand(*orders.shape[:-1], -1)


def recut(order: Order, masks: Tensor) -> Tensor:
    """Turn another order into masks that have as many cells from 0.5 up as finished ones (2, N, cells).

    Where those have none, the result is 0.
    """
    count = (masks >= 0.5).sum(-1, keepdim=True)
    ordered = order.region.sort(dim=-1, descending=True).values
    last, first = (count - 1).clamp(min=0), count.clamp(max=masks.shape[-1] - 1)
    return _mask(order, (ordered.gather(2, last) + ordered.gather(2, first)) / 2) * (count > 0)


def cut_at(logits: Tensor, areas: Tensor, softness: float) -> Tensor:
    """Logits (N, cells) -> masks (N, R, cells), 0.5 and more on about the given areas (N, R)."""
    return torch.sigmoid((logits[:, None] - _cuts(logits, areas)[..., None]) / softness)


def _cuts(logits: Tensor, areas: Tensor) -> Tensor:
    """Thresholds (..., R) of logits (..., cells) with about the given areas (..., R) above them.

    Each lies in the widest gap between two cells within a factor `SNAP` of its area, or a little below, so
    that cells of one value are not told apart by round-off.
    """
    ordered = logits.sort(dim=-1, descending=True).values
    count = logits.shape[-1]
    if count == 1:
        return ordered.expand_as(areas) - ALIKE
    above = torch.arange(1, count, device=logits.device)
    wanted = (areas * count).clamp(1, count - 1)[..., None]
    near = (above >= (wanted / SNAP).round()) & (above <= (wanted * SNAP).round())
    gaps = (ordered[..., :-1] - ordered[..., 1:])[..., None, :]
    place = torch.where(near, gaps, -1.0).argmax(-1)
    return (ordered.gather(-1, place) + ordered.gather(-1, place + 1)) / 2 - ALIKE


def _loss(trials: Trials, region: Tensor, areas: Tensor, area_weight: float) -> Tensor:
    """FIDO's objective (2, N, R) where both masks are cut at some areas (2, N, R)."""
    ssr, sdr = (cut_at(logits, wanted, SOFTNESS) for logits, wanted in zip(region, areas, strict=True))
    reached = trials.shares(ssr, invert=False), lost(trials.shares(sdr, invert=True), trials.bare)
    return torch.stack(
        [_price(done, wanted, area_weight) for done, wanted in zip(reached, areas, strict=True)]
    )


def lost(left: Tensor, bare: Tensor) -> Tensor:
    """How much of what can be lost is gone: 1 where no more of the class is left than the infill alone gives.

    Args:
        left: shares of the class that are left (infills, N, R).
        bare: shares that the infills alone give (infills, N); counted up to `CHANCE`.
    """
    return (1 - left) / (1 - bare.clamp(0, CHANCE)[..., None])


def _price(reached: Tensor, areas: Tensor, area_weight: float) -> Tensor:
    """Shares (infills, N, R) of what a mask is for, and its areas (N, R) -> its loss (N, R)."""
    return area_weight * areas - reached.clamp(LEAST, 1).log().mean(0)


def _mask(order: Order, cut: Tensor) -> Tensor:
    """A soft edge at the cuts (2, N, 1), half of the cells at 0, and details where they cannot cross 0.5."""
    edge = torch.sigmoid((order.region - cut) / SOFTNESS)
    floor = edge.median(-1, keepdim=True).values.clamp(max=0.25)
    outside = ((edge - floor) / (0.5 - floor) / 2).clamp(min=0)
    steepness, start = RARE
    detail = DETAIL * torch.sigmoid(steepness * (normalized(order.detail) - start))
    region = edge >= 0.5
    inside = (0.5 + (edge - 0.5) * (1 - DETAIL + detail)) * region
    tail = (0.5 - outside) * detail * ~region
    scale = TAIL * inside.sum(-1, keepdim=True) / tail.sum(-1, keepdim=True).clamp(min=LEAST)
    return torch.where(region, inside, outside + tail * scale.clamp(max=1))
