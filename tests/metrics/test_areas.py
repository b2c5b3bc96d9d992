"""Areas of a planted patch, whose answer is known in closed form."""

import math

import pytest
import torch
from models import Additive, PlantedPatch, Watched
from planted import HEIGHT, ORACLE, SHARE, WHITE, WIDTH, random
from torch import Tensor

from captum_scd.metrics import destroying_area, sufficient_area
from captum_scd.metrics.areas import REFINEMENTS

BOTH = pytest.mark.parametrize("area", [sufficient_area, destroying_area])


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.999, 1])
def test_sufficient_area_of_a_planted_patch_is_the_part_of_its_share_that_keeps_the_class(
    keep: float,
) -> None:
    needed = (0.99 * keep - 0.01) / 0.98 * SHARE
    area = sufficient_area(PlantedPatch(), WHITE, ORACLE, target=0, keep=keep)
    torch.testing.assert_close(area, torch.full((2,), needed), rtol=0, atol=1 / (HEIGHT * WIDTH))


@pytest.mark.parametrize("leave", [0.5, 0.05, 0.011])
def test_destroying_area_of_a_planted_patch_is_the_part_of_its_share_that_must_go(leave: float) -> None:
    needed = (1 - (0.99 * leave - 0.01) / 0.98) * SHARE
    area = destroying_area(PlantedPatch(), WHITE, ORACLE, target=0, leave=leave)
    torch.testing.assert_close(area, torch.full((2,), needed), rtol=0, atol=1 / (HEIGHT * WIDTH))


def _pixels_needed(inputs: Tensor, maps: Tensor, insert: bool) -> Tensor:
    """Fewest features that reach the default goal of an area, on `Additive` and baselines of -1, or 99."""
    gains = inputs.double().gather(1, maps.argsort(dim=1, descending=True)) + 1
    entered = torch.cat([torch.zeros(len(gains), 1), gains.cumsum(1)], dim=1)
    probability = torch.sigmoid((entered if insert else entered[:, -1:] - entered) - 20)
    relative = probability / torch.sigmoid(inputs.sum(1, keepdim=True))
    reached = relative >= 0.9 if insert else relative <= 0.05
    return torch.where(reached, torch.arange(21), 99).amin(1)


@BOTH
def test_an_area_ends_where_the_first_pixel_that_reaches_the_goal_is_rounded_in(area) -> None:
    inputs, maps = 8 * random(60, 1) * random(60, 20, seed=1) - 1.3, random(60, 20, seed=2)
    needed = _pixels_needed(inputs, maps, insert=area is sufficient_area)
    assert needed.min() < 6
    assert needed[needed < 99].max() > 12
    found = area(Additive(), inputs, maps, -1.0, target=0, n_steps=20)
    expected = ((needed - 0.5) / 20).clamp(0, 1)
    assert (found >= expected - 1e-6).all()
    assert (found <= expected + 1 / 20 / 2**REFINEMENTS + 1e-6).all()


@BOTH
def test_the_steps_of_a_scan_need_not_be_pixels(area) -> None:
    usual = area(PlantedPatch(), WHITE, ORACLE, target=0)
    for n_steps in (1, 7, 1000):
        found = area(PlantedPatch(), WHITE, ORACLE, target=0, n_steps=n_steps)
        torch.testing.assert_close(
            found, usual, rtol=0, atol=1 / 40 / 2**REFINEMENTS + 1 / n_steps / 2**REFINEMENTS
        )


@BOTH
def test_areas_of_a_random_map_are_larger_than_those_of_the_oracle(area) -> None:
    ours, chance = (
        area(PlantedPatch(), WHITE, one, target=0) for one in (ORACLE, random(2, 1, HEIGHT, WIDTH))
    )
    assert (chance > 3 * ours).all()


def test_areas_are_one_where_no_share_reaches_the_goal() -> None:
    never = destroying_area(PlantedPatch(), WHITE, ORACLE, baselines=1.0, target=0)
    assert never.tolist() == [1, 1]


def test_areas_are_zero_where_the_baseline_has_reached_the_goal() -> None:
    assert sufficient_area(PlantedPatch(), WHITE, ORACLE, baselines=1.0, target=0).max() < 1e-3


@pytest.mark.parametrize("keep", [0, -0.1, 1.1, math.nan])
def test_a_share_to_keep_out_of_its_range_is_rejected(keep: float) -> None:
    with pytest.raises(ValueError, match=r"Expected `keep` in \(0, 1\], but got"):
        sufficient_area(PlantedPatch(), WHITE, ORACLE, target=0, keep=keep)


@pytest.mark.parametrize("leave", [1, -0.1, 1.1, math.nan])
def test_a_share_to_leave_out_of_its_range_is_rejected(leave: float) -> None:
    with pytest.raises(ValueError, match=r"Expected `leave` in \[0, 1\), but got"):
        destroying_area(PlantedPatch(), WHITE, ORACLE, target=0, leave=leave)


@BOTH
@pytest.mark.parametrize(("n_steps", "error"), [(0, ValueError), (2.0, TypeError)])
def test_a_bad_number_of_steps_is_answered_with_its_name(area, n_steps, error) -> None:
    with pytest.raises(error, match="Expected `n_steps` to be"):
        area(PlantedPatch(), WHITE, ORACLE, target=0, n_steps=n_steps)


def test_a_scan_goes_no_further_than_it_must() -> None:
    watched = Watched(PlantedPatch())
    sufficient_area(watched, WHITE, ORACLE, target=0, n_steps=100)
    assert sum(watched.rows) < 2 * 40


@pytest.mark.parametrize("n_steps", [1, 12, 17])
def test_a_scan_that_finds_nothing_asks_about_each_step_once(n_steps: int) -> None:
    watched = Watched(PlantedPatch())
    area = destroying_area(watched, WHITE, ORACLE, baselines=1.0, target=0, n_steps=n_steps)
    assert area.tolist() == [1, 1]
    whole_and_steps = 1 + n_steps
    assert 2 * whole_and_steps < sum(watched.rows) <= 2 * (whole_and_steps + REFINEMENTS)


@BOTH
def test_by_default_40_steps_are_scanned_with_64_rows_at_a_time(area) -> None:
    watched = Watched(lambda x, factor: factor[:, None] * Additive()(x))
    inputs, maps, factors = 2 * random(20, 30), random(20, 30, seed=1), random(20, seed=2)
    given = {"baselines": -1.0, "target": 0, "additional_forward_args": factors}
    usual = area(watched, inputs, maps, **given)
    assert torch.equal(usual, area(watched, inputs, maps, **given, n_steps=40, internal_batch_size=64))
    assert max(watched.rows) == 64


def test_nothing_at_all_may_be_left() -> None:
    area = destroying_area(Additive(), torch.full((1, 4), 500.0), torch.ones(1, 4), -500.0, target=0, leave=0)
    assert 2.5 / 4 <= area.item() <= 2.5 / 4 + 1 / 40
