"""Pixels that come and go in the order of a map, most important first.

Pixels are replaced by a baseline, and the probability of the target class is watched, relative to that of
the whole image and capped at 1. A pixel counts with all its channels. Ties are broken by a fixed random
order, so that a flat map ranks as chance does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from captum_scd._captum import Baselines, Target
from captum_scd.composites import Composites, Fill, blend
from captum_scd.metrics._asking import asked, seen_through
from captum_scd.metrics._maps import map_values

Kept = tuple[int, int, bool]
"""An example, a number of its most important pixels, and whether they alone are kept, or taken away."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """A batch whose pixels are numbered by importance.

    Attributes:
        composites: the batch and the model.
        rank: (N, 1, *spatial) or (N, F), 0 for the most important pixel of each example.
        whole: (N,) probability of the whole images.
        known: by example and pixels kept, most important first or last, what the model has said already.
    """

    composites: Composites
    rank: Tensor
    whole: Tensor
    known: dict[Kept, Tensor] = field(default_factory=dict)

    def kept(self, shares: Tensor, insert: bool) -> Tensor:
        """(N, S) shares -> (N, S) relative probability with those shares inserted, or deleted.

        The model is asked once about each image that comes of it, however often it is wanted.
        """
        counts = (shares * self.rank[0].numel()).round().long().tolist()
        wanted = [self._key(example, count, insert) for example, row in enumerate(counts) for count in row]
        self._ask([key for key in dict.fromkeys(wanted) if key not in self.known])
        probability = torch.stack([self.known[key] for key in wanted]).view_as(shares)
        return (probability / self.whole[:, None].clamp(min=torch.finfo(self.whole.dtype).tiny)).clamp(max=1)

    def _key(self, example: int, count: int, insert: bool) -> Kept:
        """Name an image; to insert no pixel is to delete all, and the other way round."""
        everything = self.rank[0].numel()
        return (example, everything - count, True) if count in (0, everything) and not insert else (
            example, count, insert
        )  # fmt: skip

    def _ask(self, keys: list[Kept]) -> None:
        device = self.rank.device
        examples = torch.tensor([example for example, _, _ in keys], dtype=torch.long, device=device)
        counts = torch.tensor([count for _, count, _ in keys], device=device)
        inserted = torch.tensor([insert for _, _, insert in keys], device=device)

        def piece(rows: Tensor) -> Tensor:
            rank = self.rank[examples[rows]]
            places = (-1, *(1,) * (rank.ndim - 1))
            keep = (rank < counts[rows].view(places)) == inserted[rows].view(places)
            return self.composites.scores((keep.float(),), examples[rows])

        for key, value in zip(keys, _joined(self.composites.in_pieces(piece, len(keys))), strict=True):
            self.known[key] = value


@contextmanager
def ranked(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    baselines: Baselines,
    target: Target,
    additional_forward_args: object,
    internal_batch_size: int,
    fill: Fill = blend,
) -> Iterator[Ranking]:
    """Rank the pixels of a batch; arguments as for `insertion_deletion`, `fill` as for `asked`."""
    with asked(
        forward_func, inputs, baselines, target, additional_forward_args, internal_batch_size, fill=fill
    ) as composites:
        rank = _order(map_values(inputs, attributions))
        whole = seen_through(composites, torch.ones_like(inputs[:, :1]))
        known = {(example, rank[0].numel(), True): value for example, value in enumerate(whole)}
        yield Ranking(composites, rank, whole, known)


def _joined(pieces: list[Tensor]) -> tuple[Tensor, ...]:
    return torch.cat(pieces).unbind() if pieces else ()


def _order(values: Tensor) -> Tensor:
    """Rank of each pixel in its map, 0 for the largest value."""
    flat = values.flatten(1)
    ties = torch.randperm(flat.shape[1], generator=torch.Generator().manual_seed(0), device="cpu").to(
        flat.device
    )
    order = ties[flat[:, ties].argsort(dim=1, descending=True, stable=True)]
    return order.argsort(dim=1).view_as(values)
