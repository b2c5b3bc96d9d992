"""All cases at once: which of them make a group, and what is known of each group."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from captum_scd.systematic.cases import Case, mean
from captum_scd.systematic.grouping import LEAST_IMAGES, grouped, spread, standardized
from captum_scd.systematic.groups import Group
from captum_scd.systematic.places import elsewhere


@dataclass(frozen=True)
class Survey:
    """Cases among which groups are formed.

    Attributes:
        cases: all of them.
        seed: of the grouping.
    """

    cases: Sequence[Case]
    seed: int

    @cached_property
    def features(self) -> dict[int, Tensor]:
        """Features of the cases that have some, by their places, standardised over all of them."""
        known = {row: case.features for row, case in enumerate(self.cases) if case.features is not None}
        return dict(zip(known, standardized(torch.stack([*known.values()])), strict=True)) if known else {}

    @cached_property
    def outside(self) -> list[float | None]:
        """Share of each look outside the usual place of other classes, None where that has no meaning."""
        if not self.cases:
            return []
        looks = torch.stack([case.look for case in self.cases])
        shares = elsewhere(looks, torch.tensor([case.explained for case in self.cases])).tolist()
        return [None if share != share else share for share in shares]

    def groups(self) -> Iterator[Group]:
        """Class by class, all of its images, then those of each group that stands apart."""
        rows_of = defaultdict(list)
        for row, case in enumerate(self.cases):
            rows_of[case.explained].append(row)
        for explained, own in sorted(rows_of.items()):
            for number, rows in enumerate([own, *self._alike(own)]):
                yield self._group(explained, number, rows)

    def _alike(self, rows: Sequence[int]) -> list[list[int]]:
        """Rows of each group that stands apart; none where all are alike."""
        known = [row for row in rows if row in self.features]
        if len(known) < 2 * LEAST_IMAGES:
            return []
        numbers = grouped(torch.stack([self.features[row] for row in known]), self.seed).tolist()
        groups = [
            [row for row, own in zip(known, numbers, strict=True) if own == number]
            for number in range(max(numbers) + 1)
        ]
        return groups if len(groups) > 1 else []

    def _group(self, explained: int, number: int, rows: Sequence[int]) -> Group:
        known = {row: self.features[row] for row in rows if row in self.features}
        order = sorted(rows, key=_distances(known).__getitem__) if len(known) == len(rows) else rows
        return Group(
            tuple(self.cases[row] for row in order),
            explained,
            number,
            tuple(order),
            mean([self.outside[row] for row in rows]),
            self._likeness([*known.values()]),
        )

    @cached_property
    def _spread(self) -> float:
        return spread(torch.stack([*self.features.values()]))

    def _likeness(self, features: Sequence[Tensor]) -> float | None:
        if not features or not self._spread:
            return None
        return spread(torch.stack([*features])) / self._spread


def _distances(features: dict[int, Tensor]) -> dict[int, float]:
    """How far each row is from the mean of all."""
    middle = torch.stack([*features.values()]).mean(0) if features else torch.zeros(())
    return {row: (one - middle).norm().item() for row, one in features.items()}
