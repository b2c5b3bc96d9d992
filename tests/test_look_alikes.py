"""Look-alikes in every form against class numbers written out by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from captum_scd.forward import Query, make_query
from captum_scd.look_alikes import LookAlikes, find_look_alikes

LOGITS = torch.tensor([[5.0, 4.0, 1.0, 3.0, 2.0], [0.0, 9.0, 7.0, 8.0, 6.0]])
"""By likelihood: 0 1 3 4 2, and 1 3 2 4 0."""


def _find(asked: Any, output: Tensor = LOGITS, target: Any = (0,), pieces: int = 1) -> LookAlikes:
    query = make_query(lambda x: output, (torch.zeros(len(output), 3),), target)
    return find_look_alikes(asked, query, _whole(query, output, pieces))


def _whole(query: Query, output: Tensor, pieces: int) -> Callable[..., list[Any]]:
    def whole(work: Callable[[Tensor, Tensor], Any]) -> list[Any]:
        parts = torch.arange(len(output)).tensor_split(pieces)
        return [work(query.checked(output[part], part), part) for part in parts]

    return whole


FORMS = [
    (3, [[3], [3]]),
    (-1, [[4], [4]]),
    ((3,), [[3], [3]]),
    (torch.tensor(3), [[3], [3]]),
    ([3, 4], [[3], [4]]),
    (torch.tensor([3, -1]), [[3], [4]]),
    ([(3,), (4,)], [[3], [4]]),
    ([[3, 4], [2]], [[3, 4], [2]]),
    ([[1], [4, 2, -2]], [[1], [4, 2, 3]]),
    ([[3], [4]], [[3], [4]]),
    ([torch.tensor([3, 4]), [2]], [[3, 4], [2]]),
    (torch.tensor([[3, 4], [2, 1]]), [[3, 4], [2, 1]]),
    (torch.tensor([[3], [4]], dtype=torch.int16), [[3], [4]]),
    ("nearest", [[1, 3, 4], [1, 3, 2]]),
]


@pytest.mark.parametrize(("asked", "classes"), FORMS, ids=str)
def test_every_form_becomes_class_numbers(asked, classes) -> None:
    found = _find(asked)
    assert found.rows() == classes
    assert (found.index >= 0).all()


@pytest.mark.parametrize(
    ("target", "classes"),
    [([0, 1], [[1, 3, 4], [3, 2, 4]]), ([1, -3], [[0, 3, 4], [1, 3, 4]]), ([2, 0], [[0, 1, 3], [1, 3, 2]])],
)
@pytest.mark.parametrize("pieces", [1, 2])
def test_the_nearest_are_the_likeliest_without_the_target(target, classes, pieces: int) -> None:
    assert _find("nearest", target=target, pieces=pieces).rows() == classes


@pytest.mark.parametrize(("count", "classes"), [(4, [1, 3, 2]), (3, [1, 2]), (2, [1])])
def test_the_nearest_are_fewer_where_there_are_fewer_classes(count: int, classes: list[int]) -> None:
    assert _find("nearest", LOGITS[:1, :count]).rows() == [classes]


def test_the_target_is_never_its_own_nearest_not_even_where_all_are_impossible() -> None:
    impossible = torch.full((1, 4), float("-inf"))
    assert all(t not in _find("nearest", impossible, t).rows()[0] for t in range(4))


def test_further_dimensions_are_those_of_the_target() -> None:
    output = torch.zeros(2, 5, 2, 3)
    output[0, :, 1, 2], output[1, :, 0, 1] = LOGITS
    target = [(0, 1, 2), (1, 0, -2)]
    assert _find("nearest", output, target).rows() == [
        [[1, 1, 2], [3, 1, 2], [4, 1, 2]],
        [[3, 0, 1], [2, 0, 1], [4, 0, 1]],
    ]
    assert _find([[4], [3, 2]], output, target).rows() == [[[4, 1, 2]], [[3, 0, 1], [2, 0, 1]]]
    assert _find((0, 0, 0), output, target).rows() == [[[0, 0, 0]]] * 2  # the class at another place


def test_the_classes_of_a_sequence_are_those_of_the_targets_step() -> None:
    output = torch.zeros(2, 3, 5)
    output[0, 2], output[1, 0] = LOGITS
    target = [(2, 0), (-3, 1)]
    assert _find("nearest", output, target).rows() == [[[2, 1], [2, 3], [2, 4]], [[0, 3], [0, 2], [0, 4]]]
    assert _find([[4], [3, 2]], output, target).rows() == [[[2, 4]], [[0, 3], [0, 2]]]


UNFIT = ["nearset", 1.5, "", [[3, 4]], [[3], []], [3, [4]], [[3.0], [4.0]], [[True], [False]], [["a"], ["b"]],
         [[[3]], [[4]]], [[(1, 0)], [(2, 0)]], [3], torch.zeros(2, 2), torch.ones(3, 2).long()]  # fmt: skip


@pytest.mark.parametrize("asked", UNFIT, ids=str)
def test_other_forms_are_answered_with_those_there_are(asked) -> None:
    with pytest.raises(AssertionError, match=r"such as \[\[3, 5\], \[7\]\] for two, or 'nearest', but got"):
        _find(asked)


@pytest.mark.parametrize("asked", [9, [[1, 9], [1]], [[1], [-6]], torch.tensor([[1, 2], [5, 3]])], ids=str)
def test_classes_outside_the_output_are_answered_with_it(asked) -> None:
    with pytest.raises(IndexError, match=r"Expected `contrast_target` inside an output of shape \(2, 5\)"):
        _find(asked)


@pytest.mark.parametrize("asked", [0, -5, [1, 0], [[1], [2, 0]], [[1], [-5]]], ids=str)
@pytest.mark.parametrize("target", [0, -5])
def test_a_look_alike_that_is_the_target_is_refused(asked, target: int) -> None:
    with pytest.raises(ValueError, match="to be another class than the `target`, but got 0 for both"):
        _find(asked, target=target)


def test_a_look_alike_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"once, but got \[4, 4\] for example 1"):
        _find([[1, 4], [4, -1]])


@pytest.mark.parametrize("asked", ["nearest", 0, [[1], [1]]], ids=str)
@pytest.mark.parametrize(
    ("shape", "target"), [((2,), None), ((2, 1), None), ((2, 1), 0), ((2, 1, 1), (0, 0))]
)
def test_one_logit_has_no_look_alike(asked, shape, target) -> None:
    with pytest.raises(ValueError, match=r"a model of two classes or more .* but got outputs \(2"):
        _find(asked, torch.zeros(shape), target)
