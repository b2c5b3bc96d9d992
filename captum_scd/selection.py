"""Which of several finished masks serve best?

A pair of masks is an order of the cells, and the order is tried at a ladder of areas, forward only: the
class should be there under the first cells, and gone without them. That is FIDO's objective over all areas,
without the samples that it is learned from, and the area between the insertion and the deletion curve. Of
several SSR orders the one wins that suffices at the least price.
"""

import torch
from torch import Tensor

from captum_scd.calibration import SOFTNESS, cut_at, sufficiency
from captum_scd.trials import Trials

LADDER = (0.01, 0.02, 0.04, 0.08, 0.14, 0.22, 0.34, 0.5)
"""Areas that are tried."""

NEARLY = 0.005
"""Candidates whose gain is less than this below the best are as good."""

HARDLY = 0.03
"""Regions whose loss is less than this above the least are as good, in nats."""

OUTLINED = 0.14
"""Area at which the total variation of an order is taken."""


def best(trials: Trials, candidates: Tensor, tv_weight: float = 0.0) -> Tensor:
    """Find each example's best candidate; the first of those that are nearly alike.

    Args:
        trials: asks the model.
        candidates: logits (K, 2, N, cells), SSR first, of mean 0 and mean square 1.
        tv_weight: price of a total variation of 1, in shares of the class.

    Returns:
        (N,) positions among the K.
    """
    gains = [gain(trials, one.sum(0)) - tv_weight * _variation(trials, one.sum(0)) for one in candidates]
    return _first(torch.stack(gains), NEARLY)


def chosen(candidates: Tensor, positions: Tensor) -> Tensor:
    """Take each example's own candidate: (K, 2, N, cells) and (N,) -> (2, N, cells)."""
    return candidates[positions, :, torch.arange(len(positions), device=positions.device)].movedim(0, 1)


def best_region(trials: Trials, candidates: Tensor, area_weight: float) -> Tensor:
    """Find each example's best SSR; the first of those that are hardly worse.

    Args:
        trials: asks the model.
        candidates: logits (K, N, cells) of mean 0 and mean square 1.
        area_weight: price of the whole image.

    Returns:
        (N,) positions among the K.
    """
    losses = [sufficiency(trials, one, area_weight) for one in candidates]
    return _first(-torch.stack(losses), HARDLY)


def gain(trials: Trials, order: Tensor) -> Tensor:
    """Mean share of the class that the first cells of an order (N, cells) keep, less what is left without.

    In [-1, 1] an example, averaged over the areas and the infills.
    """
    areas = order.new_tensor(LADDER).expand(len(order), -1)
    masks = cut_at(order, areas, SOFTNESS)
    kept, left = (trials.shares(masks, invert).clamp(0, 1).mean(0) for invert in (False, True))
    ends = kept.new_tensor([0.0, 1.0]).expand(len(order), -1)
    places = torch.cat([ends[:, :1], areas, ends[:, 1:]], dim=1)
    gains = torch.cat([ends[:, :1] - 1, kept - left, ends[:, 1:]], dim=1)
    return torch.trapezoid(gains, places, dim=1)


def _first(gains: Tensor, margin: float) -> Tensor:
    """Find the first of the gains (K, N) of each example that is less than a margin below the best, (N,)."""
    return (gains > gains.amax(0) - margin).to(torch.uint8).argmax(0)


def _variation(trials: Trials, order: Tensor) -> Tensor:
    area = order.new_full((len(order), 1), OUTLINED)
    return trials.grid.variation(cut_at(order, area, SOFTNESS)[:, 0])
