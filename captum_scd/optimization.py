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


MOMENTUM = 0.5
"""Share of the running mean of directions that the next step keeps; the new direction has the rest."""

Closure = Callable[[int, Tensor, Tensor], Evaluation]
"""(step, parameters of the active examples (K, n, M), their indices (n,)) -> Evaluation."""

Callback = Callable[[int, Tensor], None]
"""(number of steps done, what would be returned now (K, N, M)); it must not change the tensor or keep it."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        n_iterations: steps at most.
        learning_rate: root mean square of each example's steps at the start, where gradients agree; falls
            to 0 linearly.
        tolerance: an example is done once no step of a whole `patience` moves its parameters by more
            than this on average; 0 never stops early.
        patience: steps in a row.
    """

    n_iterations: int
    learning_rate: float
    tolerance: float = 0.0
    patience: int = 3

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        return self.learning_rate * (1 - step / self.n_iterations)


def minimize(
    closure: Closure,
    parameters: Tensor,
    schedule: Schedule,
    callback: Callback = lambda step, parameters: None,
) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Minimise a loss that is a sum over examples, each example on its own.

    Steps are normalised for each example, and an example that has converged leaves the batch, so that no
    example's result depends on its neighbours.

    Args:
        closure: gives gradient and measures of the active examples.
        parameters: start (K, N, M) with examples along dimension 1; not changed.
        schedule: number of steps, step size, stopping rule.
        callback: called after each step, and with `n_iterations` at the end.

    Returns:
        The mean of each example's parameters over its steps (K, N, M), and the measures (N,) of each
        step; an example that has left keeps its last values.
    """
    learned, momentum = parameters.detach().clone(), torch.zeros_like(parameters)
    average = learned.clone()
    quiet = torch.zeros(parameters.shape[1], device=parameters.device)
    history: list[dict[str, Tensor]] = []
    for step in range(schedule.n_iterations):
        active = (quiet < schedule.patience).nonzero().squeeze(1)
        if len(active) == 0:
            break
        evaluation = closure(step, learned[:, active], active)
        direction = normalized(evaluation.gradient)
        momentum[:, active] = MOMENTUM * momentum[:, active] + (1 - MOMENTUM) * direction
        moved = schedule.rate(step) * momentum[:, active]
        learned[:, active] -= moved
        average[:, active] += (learned[:, active] - average[:, active]) / (step + 1)
        still = moved.abs().mean(dim=(0, 2)) < schedule.tolerance
        quiet[active] = torch.where(still, quiet[active] + 1, 0)
        history.append(_record(evaluation.measures, active, history[-1] if history else {}, len(quiet)))
        callback(step + 1, average)
    callback(schedule.n_iterations, average)
    return average, history


def normalized(gradient: Tensor) -> Tensor:
    """Scale each example's gradient (..., cells) to a root mean square of 1; zero stays zero."""
    size = gradient.pow(2).mean(-1, keepdim=True).sqrt()
    return gradient / size.where(size > 0, 1.0)


def _record(
    measures: Mapping[str, Tensor], active: Tensor, last: Mapping[str, Tensor], count: int
) -> dict[str, Tensor]:
    """Spread the measures of the active examples over the batch; the others keep their last values."""
    return {
        name: last.get(name, values.new_zeros(count)).index_copy(0, active, values)
        for name, values in measures.items()
    }
