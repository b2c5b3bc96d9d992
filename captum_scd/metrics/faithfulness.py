"""Does the model agree with a map? What it says as pixels come and go in the map's order.

All functions replace pixels by a baseline, most important first, and watch the probability of the target
class, relative to that of the whole image and capped at 1. A pixel counts with all its channels. Ties are
broken by a fixed random order, so that a flat map ranks as chance does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from captum_scd._captum import Baselines, Target, format_baselines
from captum_scd.forward import Query, make_query
from captum_scd.objective import prob

REFINEMENTS = 6
"""Halvings of the step in which an area was found."""


@dataclass(frozen=True, eq=False)
class InsertionDeletion:
    """Insertion and deletion curves of a batch of maps.

    Attributes:
        shares: (steps + 1,) shares of the image inserted or deleted, from 0 to 1.
        insertion_curve: (N, steps + 1) relative probability in [0, 1] as pixels enter the baseline.
        deletion_curve: (N, steps + 1) relative probability in [0, 1] as pixels leave the image.
    """

    shares: Tensor
    insertion_curve: Tensor
    deletion_curve: Tensor

    @property
    def insertion(self) -> Tensor:
        """(N,) area under the insertion curve in [0, 1]; larger is better."""
        return torch.trapezoid(self.insertion_curve, self.shares)

    @property
    def deletion(self) -> Tensor:
        """(N,) area under the deletion curve in [0, 1]; smaller is better."""
        return torch.trapezoid(self.deletion_curve, self.shares)

    @property
    def difference(self) -> Tensor:
        """(N,) insertion minus deletion in [-1, 1]; larger is better, about 0 for a random map."""
        return self.insertion - self.deletion


@torch.no_grad()
def insertion_deletion(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    n_steps: int = 40,
    internal_batch_size: int = 64,
) -> InsertionDeletion:
    """Insert into the baseline, and delete from the image, the pixels in the order of a map.

    The metrics of Petsiuk et al. 2018 (RISE, section 4.2), on relative probability.

    Args:
        forward_func: model that returns logits, (rows, classes).
        inputs: (N, C, *spatial) or (N, F).
        attributions: same shape, or with one channel; larger is more important.
        baselines: what stands where pixels are missing: number or tensor, 0 by default. Use the infill
            that the masks were learned with (`masks.infill`) to ask the question they were learned on.
        target: class of each example, in any of Captum's forms.
        additional_forward_args: passed on to the model.
        n_steps: number of equal steps.
        internal_batch_size: most rows in one forward pass.

    Returns:
        Curves and areas, see `InsertionDeletion`.
    """
    ranking = _rank(
        forward_func, inputs, attributions, baselines, target, additional_forward_args, internal_batch_size
    )
    shares = torch.linspace(0, 1, n_steps + 1, device=inputs.device)
    grid = shares.expand(len(inputs), -1)
    return InsertionDeletion(shares, ranking.kept(grid, insert=True), ranking.kept(grid, insert=False))


@torch.no_grad()
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
    """
    ranking = _rank(
        forward_func, inputs, attributions, baselines, target, additional_forward_args, internal_batch_size
    )
    return _first_share(lambda shares: ranking.kept(shares, insert=True) >= keep, ranking.rank, n_steps)


@torch.no_grad()
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

    The definition of the smallest destroying region (Chang et al. 2019, equation 4) as a number for any map.

    Args:
        forward_func, inputs, attributions, baselines, target, additional_forward_args,
            internal_batch_size: as for `insertion_deletion`.
        leave: share of the whole image's probability that may be left, in [0, 1).
        n_steps: number of equal steps of the scan.

    Returns:
        (N,) shares in [0, 1]; smaller is better, 1 where not even the bare baseline loses the class.
    """
    ranking = _rank(
        forward_func, inputs, attributions, baselines, target, additional_forward_args, internal_batch_size
    )
    return _first_share(lambda shares: ranking.kept(shares, insert=False) <= leave, ranking.rank, n_steps)


@torch.no_grad()
def probability_under(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    mask: Tensor,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
) -> Tensor:
    """Ask the model about the image seen through a mask, mask * inputs + (1 - mask) * baseline.

    Args:
        forward_func, inputs, baselines, target, additional_forward_args: as for `insertion_deletion`.
        mask: broadcastable to the inputs, in [0, 1] or boolean; 1 keeps the pixel.

    Returns:
        (N,) probability of the target in [0, 1], not divided by that of the whole image.
    """
    (baseline,) = format_baselines(baselines, (inputs,))
    query = make_query(forward_func, (inputs,), target, additional_forward_args)
    return _probability(
        query, _composite(inputs, baseline, mask), torch.arange(len(inputs), device=inputs.device)
    )


@dataclass(frozen=True, eq=False)
class _Ranking:
    """A batch whose pixels are numbered by importance, 0 the most important."""

    query: Query
    inputs: Tensor
    baseline: Tensor
    rank: Tensor
    whole: Tensor
    rows: int

    def kept(self, shares: Tensor, insert: bool) -> Tensor:
        """(N, S) shares -> (N, S) relative probability with those shares inserted, or deleted."""
        examples = torch.arange(len(shares), device=shares.device).repeat_interleave(shares.shape[1])
        parts = zip(examples.split(self.rows), shares.flatten().split(self.rows), strict=True)
        probability = torch.cat([self._probability(index, share, insert) for index, share in parts])
        whole = self.whole[:, None].clamp(min=torch.finfo(self.whole.dtype).tiny)
        return (probability.view_as(shares) / whole).clamp(max=1)

    def _probability(self, examples: Tensor, shares: Tensor, insert: bool) -> Tensor:
        rank = self.rank[examples]
        counts = (shares * rank[0].numel()).round().view(-1, *(1,) * (rank.ndim - 1))
        rows = _composite(self.inputs[examples], self.baseline[examples], (rank < counts) == insert)
        return _probability(self.query, rows, examples)


def _rank(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    baselines: Baselines,
    target: Target,
    additional_forward_args: object,
    rows: int,
) -> _Ranking:
    (baseline,) = format_baselines(baselines, (inputs,))
    query = make_query(forward_func, (inputs,), target, additional_forward_args)
    examples = torch.arange(len(inputs), device=inputs.device).split(rows)
    whole = torch.cat([_probability(query, inputs[index], index) for index in examples])
    filled = torch.as_tensor(baseline).to(inputs).expand_as(inputs)
    return _Ranking(query, inputs, filled, _order(inputs, attributions), whole, rows)


def _order(inputs: Tensor, attributions: Tensor) -> Tensor:
    """Rank of each pixel in a map, (N, 1, *spatial) or (N, F), 0 for the largest value."""
    _check_map(inputs, attributions)
    values = attributions.float().sum(1, keepdim=True) if inputs.ndim > 2 else attributions.float()
    flat = values.flatten(1)
    ties = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(0)).to(flat.device)
    order = ties[flat[:, ties].argsort(dim=1, descending=True, stable=True)]
    return order.argsort(dim=1).view_as(values)


def _check_map(inputs: Tensor, attributions: Tensor) -> None:
    one_channel = (len(inputs), 1, *inputs.shape[2:])
    if attributions.shape != inputs.shape and tuple(attributions.shape) != one_channel:
        raise ValueError(
            f"Expected attributions of shape {tuple(inputs.shape)} or {one_channel}, "
            f"but got {tuple(attributions.shape)}."
        )
    if not attributions.isfinite().all():
        raise ValueError("Expected finite attributions, but got NaN or infinity.")


def _composite(inputs: Tensor, baseline: Tensor | float, mask: Tensor) -> Tensor:
    weight = mask.to(inputs.dtype)
    return weight * inputs + (1 - weight) * baseline


def _probability(query: Query, rows: Tensor, examples: Tensor) -> Tensor:
    return prob(query((rows,), examples), query.targets(examples))


def _first_share(reached: Callable[[Tensor], Tensor], rank: Tensor, n_steps: int) -> Tensor:
    """Scan shares upwards for the first that reaches the goal, then halve the step before it."""
    shares = torch.linspace(0, 1, n_steps + 1, device=rank.device)
    hits = reached(shares.expand(len(rank), -1))
    high = torch.where(hits.any(1), shares[hits.int().argmax(1)], 1.0)
    low = (high - 1 / n_steps).clamp(min=0)
    for _ in range(REFINEMENTS):
        middle = (low + high) / 2
        hit = reached(middle[:, None])[:, 0]
        low, high = torch.where(hit, low, middle), torch.where(hit, middle, high)
    return high
