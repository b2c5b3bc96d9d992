"""The loop: it knows parameters, gradients and when to stop, nothing of images or masks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Evaluation(NamedTuple):
    """What a closure returns for the examples it was asked about.

    Attributes:
        gradient: of the summed loss, in the shape of the asked examples' parameters.
        measures: per-example values, (n,) each.
    """

    gradient: Tensor
    measures: Mapping[str, Tensor]


Closure = Callable[[int, Tensor, Tensor], Evaluation]
"""(step, parameters of the active examples (K, n, M), their indices (n,)) -> Evaluation."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        n_iterations: steps at most.
        learning_rate: step size of Adam at the start; falls to 0 along a half cosine.
        tolerance: an example is done once no step of a whole `patience` moves its probabilities by more
            than this on average; 0 never stops early.
        patience: steps in a row.
    """

    n_iterations: int
    learning_rate: float
    tolerance: float = 0.0
    patience: int = 3

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        fraction = step / self.n_iterations
        return self.learning_rate * 0.5 * (1 + float(torch.cos(torch.tensor(fraction * torch.pi))))


def minimize(
    closure: Closure,
    parameters: Tensor,
    schedule: Schedule,
    callback: Callable[[int], None] = lambda step: None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Minimise a loss that is a sum over examples, each example on its own.

    Adam is element-wise and an example that has converged leaves the batch, so that no example's result
    depends on its neighbours.

    Args:
        closure: gives gradient and measures of the active examples.
        parameters: start (K, N, M) with examples along dimension 1; not changed.
        schedule: number of steps, step size, stopping rule.
        callback: called with the number of steps done, after each; reaches `n_iterations` at the end.

    Returns:
        Parameters (K, N, M) and the measures (steps, N); an example that has left keeps its last values.
    """
    learned = parameters.detach().clone()
    adam = torch.optim.Adam([learned], lr=schedule.learning_rate)
    quiet = torch.zeros(parameters.shape[1], device=parameters.device)
    history: list[dict[str, Tensor]] = []
    for step in range(schedule.n_iterations):
        active = (quiet < schedule.patience).nonzero().squeeze(1)
        if len(active) == 0:
            break
        evaluation = closure(step, learned[:, active], active)
        moved = _update(adam, learned, evaluation.gradient, active, schedule.rate(step))
        quiet[active] = torch.where(moved < schedule.tolerance, quiet[active] + 1, 0)
        history.append(_record(evaluation.measures, active, history[-1] if history else {}, len(quiet)))
        callback(step + 1)
    callback(schedule.n_iterations)
    return learned, {name: torch.stack([record[name] for record in history]) for name in history[0]}


def _update(adam: torch.optim.Adam, learned: Tensor, gradient: Tensor, active: Tensor, rate: float) -> Tensor:
    """Take one step of the active examples; return how far their probabilities moved on average, (n,)."""
    before = learned.clone()
    adam.param_groups[0]["lr"] = rate
    learned.grad = torch.zeros_like(learned).index_copy_(1, active, gradient)
    adam.step()
    learned.grad = None
    after = learned[:, active]
    learned.copy_(before).index_copy_(1, active, after)
    return (after.sigmoid() - before[:, active].sigmoid()).abs().mean(dim=(0, 2))


def _record(
    measures: Mapping[str, Tensor], active: Tensor, last: Mapping[str, Tensor], count: int
) -> dict[str, Tensor]:
    """Spread the measures of the active examples over the batch; the others keep their last values."""
    return {
        name: last.get(name, values.new_zeros(count)).index_copy(0, active, values)
        for name, values in measures.items()
    }
