"""Pointing games and overlaps: by hand, against SciPy, and in boxes whose place is known."""

from itertools import product

import numpy as np
import pytest
import torch
from planted import random
from scipy.ndimage import distance_transform_edt
from scipy.spatial.distance import braycurtis, jaccard
from torch import Tensor

from captum_scd.metrics import box_region, energy_pointing_game, iou, pointing_game, precision, recall

LEFT = torch.tensor([[[[True, False]]]])


def _pointing_at(*place: int, size: tuple[int, ...]) -> Tensor:
    maps = torch.zeros(1, 1, *size)
    maps[(0, 0, *place)] = 1
    return maps


@pytest.mark.parametrize("size", [(25,), (9, 14), (5, 6, 7)], ids=str)
@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 2.9, 15, 100])
def test_pointing_hits_wherever_the_distance_to_the_region_is_within_the_tolerance(size, tolerance) -> None:
    region = random(1, 1, *size) > 0.97
    region[(0, 0, *(0,) * len(size))] = True
    distance = distance_transform_edt(~region[0, 0].numpy())
    places = list(product(*map(range, size)))
    maps = torch.cat([_pointing_at(*place, size=size) for place in places])
    hits = pointing_game(maps, region, tolerance).tolist()
    assert hits == [float(distance[place] <= tolerance) for place in places]


@pytest.mark.parametrize("tolerance", [0, 3])
def test_a_flat_map_points_as_blindly_as_chance(tolerance: int) -> None:
    region = box_region(torch.tensor([[3, 4, 9, 8]]), (20, 30))
    chance = (distance_transform_edt(~region[0, 0].numpy()) <= tolerance).mean()
    for flat in (torch.zeros(1, 1, 20, 30), torch.full((1, 1, 20, 30), -2.0)):
        assert pointing_game(flat, region, tolerance).item() == pytest.approx(chance)


def test_equal_maxima_share_the_point_wherever_they_lie() -> None:
    maps = torch.tensor([[[[0.0, 2.0, 1.0, 2.0, 2.0]]]])
    region = torch.tensor([[[[0, 1, 0, 0, 0]]]])
    assert pointing_game(maps, region, 0).item() == pytest.approx(1 / 3)
    assert pointing_game(maps.flip(3), region.flip(3), 0).item() == pytest.approx(1 / 3)
    assert pointing_game(maps, region, 2).item() == pytest.approx(2 / 3)


def test_pointing_sums_channels() -> None:
    maps = torch.tensor([[[[3.0, 0.0]], [[-3.0, 1.0]]]])
    assert pointing_game(maps, LEFT, 0).item() == 0
    assert pointing_game(maps, ~LEFT, 0).item() == 1


def test_tolerance_is_fifteen_pixels() -> None:
    region = box_region(torch.tensor([[0, 0, 1, 1]]), (1, 40))
    hits = [pointing_game(_pointing_at(0, x, size=(1, 40)), region).item() for x in range(40)]
    assert hits == [1.0] * 16 + [0.0] * 24


@pytest.mark.parametrize(
    ("tolerance", "error"), [(-1, ValueError), (float("nan"), ValueError), ("near", TypeError)]
)
def test_a_bad_tolerance_is_answered_with_its_name(tolerance, error) -> None:
    with pytest.raises(error, match="Expected `tolerance` to be"):
        pointing_game(torch.ones(1, 1, 1, 2), LEFT, tolerance)


def test_a_map_without_places_cannot_point() -> None:
    with pytest.raises(ValueError, match=r"Expected attributions \(N, C, \*spatial\)"):
        pointing_game(torch.ones(1, 2), torch.ones(1, 2))


@pytest.mark.parametrize(
    ("values", "region", "share"),
    [
        ([3.0, 1.0], LEFT, 0.75),
        ([1.0, 0.0], LEFT, 1.0),
        ([0.25, 0.25], LEFT, 0.5),
        ([0.0, 2.0], LEFT, 0.0),
        ([0.0, 0.0], LEFT, 0.0),
        ([1.0, -5.0], LEFT, 1.0),
        ([-1.0, -5.0], LEFT, 0.0),
        ([1.0, 1.0], torch.ones(1, 1, 1, 2), 1.0),
        ([1.0, 1.0], torch.tensor([[[[0.5, 0.0]]]]), 0.25),
    ],
)
def test_share_of_the_energy_inside(values: list[float], region, share: float) -> None:
    assert energy_pointing_game(torch.tensor(values).view(1, 1, 1, 2), region).tolist() == [share]


def test_channels_are_summed_before_negative_values_are_dropped() -> None:
    attributions = torch.tensor([[[[3.0, 1.0]], [[-1.0, 1.0]]]])
    assert energy_pointing_game(attributions, LEFT).tolist() == [0.5]


def test_energy_of_a_map_that_lies_anywhere_is_the_area_of_the_box() -> None:
    region = box_region(torch.tensor([[2, 1, 7, 9]]), (20, 10))
    share = energy_pointing_game(torch.ones(1, 3, 20, 10), region).item()
    assert share == pytest.approx(5 * 8 / 200)


def test_energy_of_tabular_maps_lies_in_features() -> None:
    assert energy_pointing_game(torch.tensor([[3.0, 1.0]]), torch.tensor([[True, False]])).tolist() == [0.75]


def test_the_scale_of_a_map_does_not_matter() -> None:
    maps, region = random(2, 3, 5, 5), random(2, 1, 5, 5, seed=1) > 0.5
    for game in (energy_pointing_game, pointing_game):
        torch.testing.assert_close(game(9 * maps, region), game(maps, region))


def test_overlaps_of_hard_masks_are_those_of_sets_of_pixels() -> None:
    masks, regions = random(4, 1, 6, 7) > 0.6, random(4, 1, 6, 7, seed=1) > 0.4
    for index in range(4):
        marked, inside = (set(map(tuple, one[index, 0].nonzero().tolist())) for one in (masks, regions))
        pair = masks[index : index + 1], regions[index : index + 1]
        both = len(marked & inside)
        assert precision(*pair).item() == pytest.approx(both / len(marked))
        assert recall(*pair).item() == pytest.approx(both / len(inside))
        assert iou(*pair).item() == pytest.approx(both / len(marked | inside))
        assert iou(*pair).item() == pytest.approx(1 - jaccard(*(one.flatten().numpy() for one in pair)))


def test_overlaps_of_soft_masks_are_those_of_fuzzy_sets() -> None:
    mask, region = random(1, 1, 6, 7), random(1, 1, 6, 7, seed=1)
    dice = 1 - braycurtis(mask.flatten().numpy(), region.flatten().numpy())
    assert iou(mask, region).item() == pytest.approx(dice / (2 - dice), rel=1e-5)
    smaller = np.minimum(mask.numpy(), region.numpy()).sum()
    assert precision(mask, region).item() == pytest.approx(smaller / mask.sum().item(), rel=1e-5)
    assert recall(mask, region).item() == pytest.approx(smaller / region.sum().item(), rel=1e-5)
    for overlap in (iou, precision, recall):
        assert overlap(mask, mask).item() == 1


def test_overlaps_of_an_empty_mask_are_zero() -> None:
    for overlap in (iou, precision, recall):
        assert overlap(torch.zeros(1, 1, 1, 2), LEFT).tolist() == [0]


def test_a_mask_of_several_channels_is_their_union() -> None:
    mask = torch.tensor([[[[1.0, 0.0, 0.0]], [[0.0, 0.5, 0.0]]]])
    assert iou(mask, torch.tensor([[[[True, True, False]]]])).item() == 0.75


def test_iou_of_two_boxes_by_their_corners() -> None:
    first, second = torch.tensor([[1, 2, 11, 8], [0, 0, 4, 4]]), torch.tensor([[6, 4, 14, 12], [4, 0, 8, 4]])
    both = 5 * 4
    expected = torch.tensor([both / (10 * 6 + 8 * 8 - both), 0.0])
    torch.testing.assert_close(iou(box_region(first, (13, 15)), box_region(second, (13, 15))), expected)


def test_boxes_are_crops() -> None:
    boxes = torch.tensor([[1, 2, 4, 3], [0, 0, 5, 6], [2, 2, 2, 5], [1, 3, 4, 3], [-3, 4, 2, 99]])
    regions = box_region(boxes, (6, 5))
    assert regions.shape == (5, 1, 6, 5)
    for (x0, y0, x1, y1), region in zip(boxes.clamp(min=0).tolist(), regions[:, 0], strict=True):
        expected = torch.zeros(6, 5, dtype=torch.bool)
        expected[y0:y1, x0:x1] = True
        assert torch.equal(region, expected)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (torch.zeros(4, dtype=torch.long), r"Expected boxes \(N, 4\) of integers"),
        (torch.zeros(2, 3, dtype=torch.long), r"Expected boxes \(N, 4\) of integers"),
        (torch.zeros(2, 4), r"Expected boxes \(N, 4\) of integers, but got torch.float32"),
        (torch.tensor([[10, 10, 5, 20]]), "with x0 <= x1 and y0 <= y1, but got"),
        (torch.tensor([[10, 10, 15, 2]]), "with x0 <= x1 and y0 <= y1, but got"),
    ],
    ids=["one box", "three numbers", "floats", "width", "height"],
)
def test_boxes_of_another_form_are_rejected(boxes: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        box_region(boxes, (30, 30))
