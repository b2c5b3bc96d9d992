"""The smallest region that is enough for the class, and the smallest whose loss destroys it, as numbers."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from captum_scd._captum import Baselines, Target
from captum_scd.metrics._ranking import Ranking, ranked
from captum_scd.settings import check_integer

REFINEMENTS = 6
"""Halvings of the step in which an area was found."""

SCANNED_AT_ONCE = 6
"""Steps after which a scan looks whether it may stop."""


def sufficient_area(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    keep: float = 0.9,
    n_steps: int = 40,
    internal_batch_size: int = 64,
) -> Tensor:
    """Find the smallest share of the image, in the order of a map, that keeps the class.

    The definition of the smallest sufficient region (Chang et al. 2019, equation 3) as a number for any
    map. Shares are scanned from small to large; the step where the class is first kept is halved
    `REFINEMENTS` times.

    Args:
        forward_func, inputs, attributions, baselines, target, additional_forward_args,
            internal_batch_size: as for `insertion_deletion`.
        keep: share of the whole image's probability to be kept, in (0, 1].
        n_steps: number of equal steps of the scan.

    Returns:
        (N,) shares in [0, 1]; smaller is better.

    Raises:
        ValueError: for a `keep` out of its range; all else as for `insertion_deletion`.

    The first of four features makes the class; a map may find it first or last:

    >>> model = nn.Linear(4, 2, bias=False)
    >>> _ = model.weight.data.copy_(torch.tensor([[8.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
    >>> x = torch.ones(1, 4)
    >>> sufficient_area(model, x, torch.tensor([[4.0, 3.0, 2.0, 1.0]]), target=0, n_steps=4).item() < 0.25
    True
    >>> sufficient_area(model, x, torch.tensor([[1.0, 2.0, 3.0, 4.0]]), target=0, n_steps=4).item() > 0.75
    True
    """
    if not 0 < keep <= 1:
        raise ValueError(f"Expected `keep` in (0, 1], but got {keep}.")
    check_integer("n_steps", n_steps, least=1)
    with ranked(
        forward_func, inputs, attributions, baselines, target, additional_forward_args, internal_batch_size
    ) as ranking:
        return sufficient_of(ranking, keep, n_steps)


def destroying_area(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    leave: float = 0.05,
    n_steps: int = 40,
    internal_batch_size: int = 64,
) -> Tensor:
    """Find the smallest share of the image, in the order of a map, whose loss destroys the class.

    The definition of the smallest destroying region (Chang et al. 2019, equation 4) as a number for any
    map; scanned as in `sufficient_area`.

    Args:
        forward_func, inputs, attributions, baselines, target, additional_forward_args,
            internal_batch_size: as for `insertion_deletion`.
        leave: share of the whole image's probability that may be left, in [0, 1).
        n_steps: number of equal steps of the scan.

    Returns:
        (N,) shares in [0, 1]; smaller is better, 1 where not even the bare baseline loses the class.

    Raises:
        ValueError: for a `leave` out of its range; all else as for `insertion_deletion`.

    >>> model = nn.Linear(4, 2, bias=False)
    >>> _ = model.weight.data.copy_(torch.tensor([[8.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
    >>> x = torch.ones(1, 4)
    >>> leave = 0.8  # without its first feature the class is left with a probability of 0.73
    >>> destroying_area(model, x, torch.tensor([[4.0, 3.0, 2.0, 1.0]]), target=0, leave=leave).item() < 0.25
    True
    >>> destroying_area(model, x, torch.tensor([[1.0, 2.0, 3.0, 4.0]]), target=0, leave=leave).item() > 0.75
    True
    """
    if not 0 <= leave < 1:
        raise ValueError(f"Expected `leave` in [0, 1), but got {leave}.")
    check_integer("n_steps", n_steps, least=1)
    with ranked(
        forward_func, inputs, attributions, baselines, target, additional_forward_args, internal_batch_size
    ) as ranking:
        return destroying_of(ranking, leave, n_steps)


def sufficient_of(ranking: Ranking, keep: float = 0.9, n_steps: int = 40) -> Tensor:
    """Find the smallest sufficient share of a batch whose pixels are ranked, (N,)."""
    return _first_share(lambda shares: ranking.kept(shares, insert=True) >= keep, ranking.rank, n_steps)


def destroying_of(ranking: Ranking, leave: float = 0.05, n_steps: int = 40) -> Tensor:
    """Find the smallest destroying share of a batch whose pixels are ranked, (N,)."""
    return _first_share(lambda shares: ranking.kept(shares, insert=False) <= leave, ranking.rank, n_steps)


def _first_share(reached: Callable[[Tensor], Tensor], rank: Tensor, n_steps: int) -> Tensor:
    """Scan shares upwards for the first that reaches the goal, then halve the step before it."""
    high = _scanned(
        reached, torch.linspace(0, 1, n_steps + 1, dtype=torch.float32, device=rank.device), len(rank)
    )
    low = (high - 1 / n_steps).clamp(min=0)
    for _ in range(REFINEMENTS):
        middle = (low + high) / 2
        hit = reached(middle[:, None])[:, 0]
        low, high = torch.where(hit, low, middle), torch.where(hit, middle, high)
    return high


def _scanned(reached: Callable[[Tensor], Tensor], shares: Tensor, count: int) -> Tensor:
    """First of the shares at which each of `count` examples is there, 1 where none."""
    first = shares.new_full((count,), 2.0)
    for part in shares.split(SCANNED_AT_ONCE):
        hits = reached(part.expand(count, -1))
        found = torch.where(hits, part, 2.0).amin(1)
        first = torch.minimum(first, found)
        if (first <= 1).all():
            break
    return first.clamp(max=1)
