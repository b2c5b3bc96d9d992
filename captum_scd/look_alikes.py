"""Look-alikes, classes b of "why a and not b?": from the forms in which they are asked for to one."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from captum_scd._captum import Target
from captum_scd.forward import Query, check_index, target_index
from captum_scd.objective import class_axis, class_logits

NEAREST = "nearest"
"""Asks for the likeliest other classes of each example."""

MOST_NEAREST = 3
"""How many these are; fewer where the model has fewer classes."""

Contrast = Target | str | list[list[int]]
Whole = Callable[[Callable[[Tensor, Tensor], Any]], list[Any]]
"""Hands the model's output for the whole inputs, (n, ...), and the example of each row, (n,), to a function;
returns what it came to, piece by piece."""


@dataclass(frozen=True)
class LookAlikes:
    """Classes b of "why a and not b?", K of each example or fewer.

    Attributes:
        index: (N, K, d) long, into the output's dimensions after the first, none below 0.
        named: (N, K) boolean, False where an example has fewer than K.
    """

    index: Tensor
    named: Tensor

    def rows(self) -> list[list[Any]]:
        """Class numbers of each example; indices as lists where the output has further dimensions."""
        return [plain(index[named]) for index, named in zip(self.index, self.named, strict=True)]


def find_look_alikes(asked: Contrast, query: Query, whole: Whole) -> LookAlikes:
    """Bring look-alikes of every form into one.

    Args:
        asked: one class per example in any of Captum's forms of a target; several as a list of class
            numbers per example, or an integer tensor (N, K); `"nearest"` for the three likeliest other
            classes of each example. Several and the nearest take the target's place in further dimensions
            of the output.
        query: the model, and the target of each example.
        whole: hands over the model's output for the whole inputs.

    Raises:
        AssertionError: for another form, or another number of examples.
        IndexError: for classes outside the output.
        ValueError: for a class that is the target or comes twice, and for a model of one class.
    """
    if isinstance(asked, str):
        return _nearest(asked, query, whole)
    rows, *sizes = whole(lambda output, _: output.shape)[0]
    _check_classes(math.prod(sizes), (rows, *sizes))
    assert query.target is not None  # the query refuses outputs of more than one number per row without
    index, named = _given(asked, query.target, class_axis((rows, *sizes)) - 1)
    check_index((query.count, *sizes), index[named], "contrast_target")
    classes = torch.tensor(sizes, device=index.device)
    found = LookAlikes(index.remainder(classes), named)
    _check_others(found.rows(), plain(query.target.remainder(classes)))
    return found


def _nearest(asked: str, query: Query, whole: Whole) -> LookAlikes:
    """Take the likeliest classes that are not the target."""
    if asked != NEAREST:
        raise AssertionError(_unfit(asked))

    def likeliest(output: Tensor, examples: Tensor) -> Tensor:
        axis = class_axis(output.shape)
        _check_classes(output.shape[axis] if output.ndim > 1 else 1, tuple(output.shape))
        target = query.targets(examples)
        assert target is not None  # as above
        logits, own = class_logits(output, target)
        order = torch.argsort(logits, dim=1, descending=True, stable=True)
        others = order[order != own].view(len(order), -1)[:, :MOST_NEAREST]
        return _placed(others, target, axis - 1).remainder(
            torch.tensor(output.shape[1:], device=target.device)
        )

    index = torch.cat(whole(likeliest))
    return LookAlikes(index, torch.ones_like(index[..., 0], dtype=torch.bool))


def _given(asked: Contrast, target: Tensor, place: int) -> tuple[Tensor, Tensor]:
    """Bring look-alikes of any form into indices (N, K, d), and which of them count (N, K).

    Class numbers take the target's `place` among the d.
    """
    if _is_several(asked):
        rows = _class_numbers(asked, len(target), target.device)
        classes = pad_sequence(rows, batch_first=True)
        lengths = torch.tensor([len(row) for row in rows], device=target.device)
        named = torch.arange(classes.shape[1], device=target.device) < lengths[:, None]
        return _placed(classes, target, place), named
    try:
        index = target_index(cast(Target, asked), len(target), target.device)
    except AssertionError as error:
        raise AssertionError(_unfit(asked)) from error
    assert index is not None
    return index[:, None], torch.ones(len(target), 1, dtype=torch.bool, device=target.device)


def _is_several(asked: Contrast) -> bool:
    """Tell look-alikes with a list or tensor of class numbers per example from Captum's forms of a target."""
    if isinstance(asked, (Tensor, np.ndarray)):
        return asked.ndim > 1
    return isinstance(asked, list) and any(isinstance(one, list) or _is_vector(one) for one in asked)


def _is_vector(value: object) -> bool:
    return isinstance(value, (Tensor, np.ndarray)) and value.ndim > 0


def _class_numbers(asked: Any, count: int, device: torch.device) -> list[Tensor]:
    """Class numbers of each example, a long vector with at least one entry each."""
    try:
        rows = [torch.as_tensor(row, device=device) for row in asked]
    except (TypeError, ValueError, RuntimeError) as error:
        raise AssertionError(_unfit(asked)) from error
    whole_numbers = not any(row.is_floating_point() or row.is_complex() for row in rows)
    fit = whole_numbers and all(row.ndim == 1 and len(row) and row.dtype != torch.bool for row in rows)
    if not fit or len(rows) != count:
        raise AssertionError(_unfit(asked))
    return [row.long() for row in rows]


def _placed(classes: Tensor, target: Tensor, place: int) -> Tensor:
    """Class numbers (N, K) -> indices (N, K, d), those of the target but for its class."""
    index = target[:, None].repeat(1, classes.shape[1], 1)
    index[..., place] = classes
    return index


def _check_classes(count: int, shape: tuple[int, ...]) -> None:
    if count < 2:
        raise ValueError(
            f"Expected a model of two classes or more for a `contrast_target`, but got outputs {shape}."
        )


def _check_others(others: Sequence[Sequence[Any]], targets: Sequence[Any]) -> None:
    for example, (named, target) in enumerate(zip(others, targets, strict=True)):
        if target in named:
            raise ValueError(
                "Expected each `contrast_target` to be another class than the `target`, but got "
                f"{target} for both of example {example}."
            )
        if any(one in named[:place] for place, one in enumerate(named)):
            raise ValueError(
                f"Expected each `contrast_target` of an example once, but got {named} for example {example}."
            )


def _unfit(asked: object) -> str:
    return (
        "Expected `contrast_target` to be one class per example, in any of Captum's forms of a target, a "
        "list of class numbers for each example, such as [[3, 5], [7]] for two, or 'nearest', "
        f"but got {asked!r}."
    )


def plain(index: Tensor) -> list[Any]:
    """(n, d) indices as JSON can hold them: numbers where d is 1, lists otherwise."""
    values: list[Any] = (index.squeeze(1) if index.shape[1] == 1 else index).tolist()
    return values
