"""Curves and areas of one map, for which the model is asked once about each image."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from captum_scd.forward import preserved
from captum_scd.metrics._ranking import Ranking, ranked
from captum_scd.metrics.areas import destroying_of, sufficient_of
from captum_scd.metrics.curves import InsertionDeletion, curves_of


class Ordered:
    """`insertion_deletion`, `sufficient_area` and `destroying_area` of the same map, made when they are read.

    The areas scan the shares at which the curves have been drawn already.

    Args:
        asked: arguments of `insertion_deletion` by name, all but `n_steps`.

    >>> model, x = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5)), torch.randn(2, 3, 8, 8)
    >>> ordered = Ordered(forward_func=model, inputs=x, attributions=x.abs(), target=3)
    >>> ordered.curves.difference.shape, ordered.sufficient_area.shape
    (torch.Size([2]), torch.Size([2]))
    """

    def __init__(self, forward_func: Any, inputs: Tensor, attributions: Tensor, **asked: Any) -> None:
        self._asked = {
            "baselines": None, "target": None, "additional_forward_args": None, "internal_batch_size": 64,
            "forward_func": forward_func, "inputs": inputs, "attributions": attributions, **asked,
        }  # fmt: skip

    @cached_property
    def curves(self) -> InsertionDeletion:
        """Insertion and deletion curves."""
        with self._asking() as ranking:
            return curves_of(ranking)

    @cached_property
    def sufficient_area(self) -> Tensor:
        """(N,) the smallest share that keeps 90 % of the probability."""
        with self._asking() as ranking:
            return sufficient_of(ranking)

    @cached_property
    def destroying_area(self) -> Tensor:
        """(N,) the smallest share whose loss leaves 5 % of the probability."""
        with self._asking() as ranking:
            return destroying_of(ranking)

    @cached_property
    def _ranking(self) -> Ranking:
        with ranked(**self._asked) as ranking:
            return ranking

    @contextmanager
    def _asking(self) -> Iterator[Ranking]:
        ranking = self._ranking
        with torch.no_grad(), preserved(self._asked["forward_func"], [ranking.rank.device], seed=0):
            yield ranking
