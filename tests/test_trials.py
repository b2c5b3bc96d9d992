"""Masks tried on a linear model, whose score of any composite is known."""

import dataclasses

import pytest
import torch
from models import Watched
from planted import random
from torch import Tensor

from captum_scd.composites import Composites
from captum_scd.forward import make_query
from captum_scd.grid import make_grid
from captum_scd.trials import Trials

INPUTS, INFILLS = random(3, 6) + 1, random(3, 6, seed=1)
WEIGHTS = random(6, seed=2) + 0.5
FACTORS = torch.tensor([1.0, 2.0, -3.0])
"""Each example's score is its own multiple of the model's output."""

MASKS = random(3, 5, 6, seed=3)
BOTH = pytest.mark.parametrize("invert", [False, True], ids=["kept", "left out"])


def _composites(
    model=lambda x: x @ WEIGHTS, inputs: Tensor = INPUTS, infills: Tensor = INFILLS, rows: int = 64
) -> Composites:
    query = make_query(model, (inputs,), None)
    score = lambda output, examples: FACTORS[examples] * output  # noqa: E731
    return Composites((inputs,), (infills,), query, score, make_grid((inputs,)), rows)


class OneInfill(Trials):
    """Trials under one infill, with its shares alone."""

    def __init__(self, composites: Composites, amount) -> None:
        super().__init__([composites], amount)

    def shares(self, masks: Tensor, invert: bool) -> Tensor:
        return super().shares(masks, invert)[0]


def _shown(invert: bool) -> Tensor:
    return (MASKS < 0.5 if invert else MASKS >= 0.5).float()


@BOTH
def test_without_an_amount_a_share_goes_from_the_infill_to_the_input(invert: bool) -> None:
    changes = WEIGHTS * (INPUTS - INFILLS)
    expected = (_shown(invert) * changes[:, None]).sum(2) / changes.sum(1, keepdim=True)
    torch.testing.assert_close(OneInfill(_composites(), None).shares(MASKS, invert), expected)


@BOTH
def test_an_amount_is_relative_to_that_of_the_input(invert: bool) -> None:
    shown = _shown(invert)
    rows = shown * INPUTS[:, None] + (1 - shown) * INFILLS[:, None]
    whole = torch.sigmoid(FACTORS * (INPUTS @ WEIGHTS))[:, None]
    expected = torch.sigmoid(FACTORS[:, None] * (rows @ WEIGHTS)) / whole
    torch.testing.assert_close(OneInfill(_composites(), torch.sigmoid).shares(MASKS, invert), expected)


@pytest.mark.parametrize("amount", [None, torch.exp])
def test_all_of_the_class_is_there_under_a_mask_of_ones(amount) -> None:
    trials, ones = OneInfill(_composites(), amount), torch.ones(3, 1, 6)
    torch.testing.assert_close(trials.shares(ones, invert=False), torch.ones(3, 1))
    torch.testing.assert_close(trials.shares(0 * ones, invert=True), torch.ones(3, 1))


def test_masks_are_cut_at_one_half_which_is_kept() -> None:
    masks = torch.tensor([0.49, 0.5, 0.51, 0.0, 1.0, 0.2]).expand(3, 1, 6)
    trials = OneInfill(_composites(), None)
    cut = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0]).expand(3, 1, 6)
    assert torch.equal(trials.shares(masks, invert=False), trials.shares(cut, invert=False))
    assert torch.equal(trials.shares(masks, invert=True), trials.shares(1 - cut, invert=False))


@BOTH
def test_images_are_cut_where_they_are_seen(invert: bool) -> None:
    image, cells = torch.ones(1, 1, 6, 6), torch.tensor([[[1.0, 0.2, 0.0, 0.7]]])
    query = make_query(lambda x: x.sum((1, 2, 3)), (image,), None)
    grid = make_grid((image,), mask_size=2)
    composites = Composites((image,), (0 * image,), query, lambda output, examples: output, grid)
    (seen,) = grid.expand(cells[0], torch.zeros(1, dtype=torch.long))
    expected = ((seen < 0.5) if invert else (seen >= 0.5)).float().mean().view(1, 1)
    torch.testing.assert_close(OneInfill(composites, None).shares(cells, invert), expected)


@BOTH
def test_each_row_has_the_groups_of_its_example(invert: bool) -> None:
    numbers = torch.tensor([[0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2], [2, 2, 2, 1, 0, 0]])
    grouped = dataclasses.replace(_composites(), grid=make_grid((INPUTS,), feature_mask=(numbers,)))
    cells = MASKS[:, :, :3]
    spread = torch.stack([one[:, number] for one, number in zip(cells, numbers, strict=True)])
    expected = OneInfill(_composites(), None).shares(spread, invert)
    torch.testing.assert_close(OneInfill(grouped, None).shares(cells, invert), expected)


def test_where_input_and_infill_are_alike_there_is_no_share() -> None:
    inputs = torch.cat([INFILLS[:1], INPUTS[1:]])
    shares = OneInfill(_composites(inputs=inputs), None).shares(MASKS, invert=False)
    torch.testing.assert_close(shares[0], torch.zeros(5), rtol=0, atol=1e-6)
    assert shares.isfinite().all()


def test_where_input_and_infill_score_alike_a_share_is_the_change_itself() -> None:
    inputs = torch.tensor([[1.0, -1.0, 2.0, -2.0, 3.0, -3.0]]).expand(3, 6)
    trials = OneInfill(_composites(lambda x: x.sum(1), inputs, torch.zeros(3, 6)), None)
    shown = torch.eye(6).expand(3, 6, 6)
    torch.testing.assert_close(trials.shares(shown, invert=False), FACTORS[:, None] * inputs)


def test_where_the_whole_input_has_nothing_of_the_class_shares_stay_finite() -> None:
    shares = OneInfill(_composites(), lambda scores: 0 * scores).shares(MASKS, invert=False)
    assert shares.tolist() == [[0.0] * 5] * 3


def test_a_cap_bounds_the_rows_and_leaves_the_shares() -> None:
    watched = Watched(lambda x: x @ WEIGHTS)
    capped = OneInfill(_composites(watched, rows=4), None).shares(MASKS, invert=False)
    torch.testing.assert_close(capped, OneInfill(_composites(), None).shares(MASKS, invert=False))
    assert max(watched.rows) == 4
    assert sum(watched.rows) == 2 * 3 + 3 * 5


def test_trials_keep_no_graph() -> None:
    weights = WEIGHTS.clone().requires_grad_()
    shares = OneInfill(_composites(lambda x: x @ weights), None).shares(MASKS, invert=False)
    assert not shares.requires_grad


def _several() -> list[Composites]:
    return [_composites(), _composites(infills=random(3, 6, seed=4))]


@BOTH
@pytest.mark.parametrize("amount", [None, torch.sigmoid])
def test_each_infill_has_shares_of_its_own(invert: bool, amount) -> None:
    together = Trials(_several(), amount).shares(MASKS, invert)
    alone = torch.stack([OneInfill(one, amount).shares(MASKS, invert) for one in _several()])
    assert not torch.equal(alone[0], alone[1])
    torch.testing.assert_close(together, alone)
    first = Trials(_several(), amount).of_first_infill().shares(MASKS, invert)
    torch.testing.assert_close(first, alone[:1])


@pytest.mark.parametrize("amount", [None, torch.sigmoid])
def test_the_bare_infill_is_what_a_mask_of_zeros_shows(amount) -> None:
    trials = Trials(_several(), amount)
    torch.testing.assert_close(trials.bare, trials.shares(torch.zeros(3, 1, 6), invert=False)[..., 0])


def test_another_input_may_count_as_the_whole() -> None:
    whole = torch.tensor([3.0, -2.0, 5.0])
    trials = Trials([_composites()], torch.exp, whole)
    scores = FACTORS * (INPUTS @ WEIGHTS)
    told = trials.shares(torch.ones(3, 1, 6), invert=False)
    torch.testing.assert_close(told[0, :, 0], (scores - whole).exp())


def test_infills_alone_have_all_of_the_class_where_the_input_has_hardly_more() -> None:
    gained = FACTORS * ((INPUTS - INFILLS) @ WEIGHTS)
    least = gained.median().item() + 1.0
    alone = Trials([_composites()], None, least=least).alone[0]
    assert torch.equal(alone == 1, gained < least)
    assert torch.equal(alone.isnan(), gained >= least)
    assert Trials([_composites()], None).alone.isnan().all()
    judged = Trials([_composites()], torch.sigmoid)
    assert torch.equal(judged.alone, judged.bare)
