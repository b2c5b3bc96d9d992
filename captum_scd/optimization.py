"""The loop: it knows parameters and gradients, nothing of images or masks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

LEVELS = 4
"""How much a round knows of those before it: which quarter of its example's cells a cell lies in."""


ALIKE = 0.01
"""Cells that differ by less, in root mean squares of their example, are hardly told apart by a round."""


class Evaluation(NamedTuple):
    """What a closure returns.

    Attributes:
        gradient: of the summed loss, in the shape of the parameters.
        measures: per-example values, (N,) each.
    """

    gradient: Tensor
    measures: Mapping[str, Tensor]


Closure = Callable[[int, Tensor, Tensor], Evaluation]
"""(step, parameters (K, n, M), which of them are still flat (n,)) -> Evaluation."""

Callback = Callable[[int, Tensor], None]
"""(number of steps done, what would be returned now (K, n, M)); it must not change the tensor or keep it."""

Settled = Callable[[Tensor], Tensor]
"""What the survey came to (K, n, M) -> whether it is to go on, and rounds are not needed, (n,)."""


@dataclass(frozen=True)
class Schedule:
    """How many steps, and how far they go.

    Attributes:
        n_iterations: steps in all.
        learning_rate: length of a round's move, where that of the survey is 1; 0 surveys to the end.
        n_rounds: rounds that share what the survey leaves.
        survey: share of the steps that the survey takes.
        n_kinds: kinds of steps that take turns, as with several infills; those of each are added up apart,
            and all kinds count alike, however large their gradients are.
    """

    n_iterations: int
    learning_rate: float
    n_rounds: int
    survey: float
    n_kinds: int = 1

    def lengths(self) -> list[int]:
        """Steps of the survey and of each round, none of them empty.

        >>> [Schedule(steps, 1.0, n_rounds=3, survey=0.5).lengths() for steps in (30, 4, 1)]
        [[15, 5, 5, 5], [2, 1, 1], [1]]
        """
        if not self.learning_rate:
            return [self.n_iterations]
        length, more = divmod(self.n_iterations - self._surveyed, self.n_rounds)
        rounds = [length + (place < more) for place in range(self.n_rounds)]
        return [self._surveyed, *(steps for steps in rounds if steps)]

    @property
    def _surveyed(self) -> int:
        return max(1, round(self.survey * self.n_iterations))


def minimize(
    closure: Closure,
    start: Tensor,
    schedule: Schedule,
    settled: Settled = lambda surveyed: torch.zeros_like(surveyed[0, :, 0], dtype=torch.bool),
    callback: Callback = lambda step, parameters: None,
) -> tuple[Tensor, Tensor, list[dict[str, Tensor]]]:
    """Minimise a loss that is a sum over examples, each example on its own, in a few long moves.

    The gradients of all steps of a round are taken at the same place and added up; then each mask of each
    example moves by a length that does not depend on their size, so that no example's result depends on its
    neighbours. What has settled goes on adding to its survey.

    Args:
        closure: gives gradient and measures.
        start: zeros (K, n, M) with examples along dimension 1; not changed.
        schedule: number of steps and rounds, length of the moves.
        settled: tells after the survey which examples need no rounds; asked only if there are rounds.
        callback: called after each step.

    Returns:
        What was learned and what the survey alone came to, (K, n, M) each, and the measures of each step.
    """
    survey, *rounds = schedule.lengths()
    history: list[dict[str, Tensor]] = []
    flat = torch.ones(start.shape[1], dtype=torch.bool, device=start.device)
    total, learned = torch.zeros_like(start).repeat(schedule.n_kinds, *[1] * start.ndim), start

    def moved(rate: float) -> Tensor:
        direction = normalized(normalized(total).sum(0))
        return torch.where(flat[:, None], -direction, learned - rate * direction)

    def advance(steps: int, rate: float) -> Tensor:
        for _ in range(steps):
            evaluation = closure(len(history), learned, flat)
            total[len(history) % schedule.n_kinds].add_(evaluation.gradient)
            history.append(dict(evaluation.measures))
            callback(len(history), moved(rate))
        return moved(rate)

    surveyed = learned = advance(survey, 1.0)
    if rounds:
        flat = settled(surveyed)
    for steps in rounds:
        total[:, :, ~flat] = 0
        learned = advance(steps, schedule.learning_rate)
    return learned, surveyed, history


def normalized(values: Tensor) -> Tensor:
    """Scale each example's values (..., cells) to a root mean square of 1; zero stays zero."""
    size = values.pow(2).mean(-1, keepdim=True).sqrt()
    return values / size.where(size > 0, 1.0)


def levels(values: Tensor) -> Tensor:
    """Replace values (..., cells) by what a normal variable is in the middle of their quarter.

    What is alike has one level. Round-off leaves the result as it is, but for cells at the very border of
    two quarters.

    >>> levels(torch.tensor([3.0, 1.0, 2.0, 4.0]))
    tensor([ 0.3186, -1.1503, -0.3186,  1.1503])
    """
    count, told = values.shape[-1], (normalized(values) / ALIKE).round()
    borders = told.sort(dim=-1).values[..., [part * count // LEVELS for part in range(1, LEVELS)]]
    place = (told[..., None] >= borders[..., None, :]).sum(-1)
    middles: Tensor = 2**0.5 * torch.erfinv((2 * place + 1).to(values) / LEVELS - 1)
    return middles
