"""Areas of a planted patch, whose answer is known in closed form."""

import math

import pytest
import torch
from models import PlantedPatch, Watched
from planted import HEIGHT, ORACLE, SHARE, WHITE, WIDTH, random

from captum_scd.metrics import destroying_area, sufficient_area

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
