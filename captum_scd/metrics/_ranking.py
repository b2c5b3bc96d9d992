"""Pixels that come and go in the order of a map, most important first.

Pixels are replaced by a baseline, and the probability of the target class is watched, relative to that of
the whole image and capped at 1. A pixel counts with all its channels. Ties are broken by a fixed random
order, so that a flat map ranks as chance does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from captum_scd._captum import Baselines, Target
from captum_scd.composites import Composites
from captum_scd.metrics._asking import asked, seen_through
from captum_scd.metrics._maps import map_values


@dataclass(frozen=True, eq=False)
class Ranking:
    """A batch whose pixels are numbered by importance.

    Attributes:
        composites: the batch and the model.
        rank: (N, 1, *spatial) or (N, F), 0 for the most important pixel of each example.
        whole: (N,) probability of the whole images.
    """

    composites: Composites
    rank: Tensor
    whole: Tensor

    def kept(self, shares: Tensor, insert: bool) -> Tensor:
        """(N, S) shares -> (N, S) relative probability with those shares inserted, or deleted."""
        examples = torch.arange(len(shares), device=shares.device).repeat_interleave(shares.shape[1])
        wanted = shares.flatten() * self.rank[0].numel()

        def piece(rows: Tensor) -> Tensor:
            rank = self.rank[examples[rows]]
            counts = wanted[rows].round().view(-1, *(1,) * (rank.ndim - 1))
            return self.composites.scores((((rank < counts) == insert).float(),), examples[rows])

        probability = torch.cat(self.composites.in_pieces(piece, len(examples))).view_as(shares)
        return (probability / self.whole[:, None].clamp(min=torch.finfo(self.whole.dtype).tiny)).clamp(max=1)


@contextmanager
def ranked(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    baselines: Baselines,
    target: Target,
    additional_forward_args: object,
    internal_batch_size: int,
) -> Iterator[Ranking]:
    """Rank the pixels of a batch; arguments as for `insertion_deletion`."""
    with asked(
        forward_func, inputs, baselines, target, additional_forward_args, internal_batch_size
    ) as composites:
        rank = _order(map_values(inputs, attributions))
        yield Ranking(composites, rank, seen_through(composites, torch.ones_like(inputs[:, :1])))


def _order(values: Tensor) -> Tensor:
    """Rank of each pixel in its map, 0 for the largest value."""
    flat = values.flatten(1)
    ties = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(0)).to(flat.device)
    order = ties[flat[:, ties].argsort(dim=1, descending=True, stable=True)]
    return order.argsort(dim=1).view_as(values)
