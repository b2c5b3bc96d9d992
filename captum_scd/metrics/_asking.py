"""Asking the model about a batch: a capped number of rows at a time, and all put back as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from captum_scd import infill as infills
from captum_scd._captum import Baselines, Target
from captum_scd.composites import Composites, Fill, blend
from captum_scd.forward import make_query, preserved
from captum_scd.grid import make_grid
from captum_scd.objective import SCORES, prob
from captum_scd.scoring import scored
from captum_scd.settings import check_integer


@contextmanager
def asked(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    baselines: Baselines,
    target: Target,
    additional_forward_args: object,
    internal_batch_size: int,
    score: Callable[[Tensor, Tensor | None], Tensor] = prob,
    fill: Fill = blend,
) -> Iterator[Composites]:
    """Make ready to ask a model about altered copies of a batch, without gradients.

    Afterwards the global random state, and the buffers of a model in training mode, are as they were.

    Args:
        forward_func, inputs, baselines, target, additional_forward_args, internal_batch_size: as for
            `insertion_deletion`.
        score: (output, target) -> (rows,) what is asked; the probability of the target by default.
        fill: makes what the model sees where parts are missing; by default the baselines stand there.
    """
    check_integer("internal_batch_size", internal_batch_size, least=1)
    _check_inputs(inputs)
    _check_finite("`inputs`", inputs)
    (infill,) = infills.given(baselines, (inputs,))
    query = make_query(forward_func, (inputs,), target, additional_forward_args, score is prob)
    chosen = SCORES.resolve(score)

    def finite_score(output: Tensor, examples: Tensor) -> Tensor:
        scores = scored(query, chosen, output, examples)
        _check_finite("outputs of the model", scores)
        return scores

    with torch.no_grad(), preserved(forward_func, [inputs.device], seed=0):
        grid = make_grid((inputs,))
        yield Composites((inputs,), (infill,), query, finite_score, grid, internal_batch_size, fill)


def seen_through(composites: Composites, mask: Tensor) -> Tensor:
    """Score each example seen through a mask (N, ...) that is broadcast to the inputs, 1 keeps; (N,)."""
    pieces = composites.in_pieces(lambda rows: composites.scores((mask[rows],), rows), len(mask))
    return torch.cat(pieces)


def _check_inputs(inputs: Tensor) -> None:
    if not isinstance(inputs, Tensor):
        raise TypeError(f"Expected `inputs` to be a tensor, but got {type(inputs).__name__}.")
    if inputs.ndim < 2 or inputs.numel() == 0:
        raise ValueError(
            f"Expected `inputs` (N, C, *spatial) or (N, F), nothing empty, but got {tuple(inputs.shape)}."
        )


def _check_finite(name: str, values: Tensor) -> None:
    if not values.isfinite().all():
        raise ValueError(f"Expected finite {name}, but got NaN or infinity.")
