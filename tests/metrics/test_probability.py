"""Probabilities of a planted patch of which a known part is there."""

import math

import pytest
import torch
from models import Additive, PlantedPatch, Watched
from planted import HEIGHT, ORACLE, SHARE, WHITE, WIDTH, random
from torch import Tensor, nn

from captum_scd import FIDOMasks
from captum_scd.metrics import (
    destroying_area,
    insertion_deletion,
    mask_probabilities,
    probability_kept,
    probability_left,
    probability_under,
    sufficient_area,
)

BOTH = pytest.mark.parametrize("probability", [probability_kept, probability_left])


def test_kept_and_left_of_a_planted_patch_by_hand() -> None:
    areas = torch.tensor([0.0, SHARE / 2, SHARE, 0.7, 1.0])
    shown = torch.tensor([0.0, 0.5, 1.0, 1.0, 1.0])
    kept, left = (
        probability(PlantedPatch(), WHITE, ORACLE, areas, target=0)
        for probability in (probability_kept, probability_left)
    )
    torch.testing.assert_close(kept, ((0.01 + 0.98 * shown) / 0.99).expand(2, -1))
    torch.testing.assert_close(left, ((0.01 + 0.98 * (1 - shown)) / 0.99).expand(2, -1))


def test_kept_and_left_are_the_points_of_the_curves(net: nn.Module, images: Tensor) -> None:
    maps = random(*images.shape)
    curves = insertion_deletion(net, images, maps, 0.3, target=[0, 3, 1], n_steps=7)
    kept, left = (
        probability(net, images, maps, curves.shares, 0.3, target=[0, 3, 1])
        for probability in (probability_kept, probability_left)
    )
    torch.testing.assert_close(kept, curves.insertion_curve)
    torch.testing.assert_close(left, curves.deletion_curve)


@pytest.mark.parametrize("goal", [0.3, 0.9])
def test_areas_found_turn_round_into_their_goal(goal: float) -> None:
    maps = random(2, 1, HEIGHT, WIDTH)
    enough = sufficient_area(PlantedPatch(), WHITE, maps, target=0, keep=goal)
    lost = destroying_area(PlantedPatch(), WHITE, maps, target=0, leave=goal)
    assert (probability_kept(PlantedPatch(), WHITE, maps, enough[:, None], target=0) >= goal).all()
    assert (probability_left(PlantedPatch(), WHITE, maps, lost[:, None], target=0) <= goal).all()
    less = (enough - 2 / (HEIGHT * WIDTH))[:, None]
    assert (probability_kept(PlantedPatch(), WHITE, maps, less, target=0) < goal).all()


@BOTH
def test_areas_may_be_a_number_a_list_or_one_row_an_example(probability) -> None:
    def ask(areas: object) -> Tensor:
        return probability(PlantedPatch(), WHITE, ORACLE, areas, target=0)

    both = ask([SHARE / 2, SHARE])
    assert both.shape == (2, 2)
    torch.testing.assert_close(ask(SHARE), both[:, 1:])
    own = ask(torch.tensor([[SHARE / 2], [SHARE]]))
    torch.testing.assert_close(own, both.diagonal()[:, None])


@BOTH
@pytest.mark.parametrize("areas", [-0.1, 1.1, math.nan, [0.1, 2.0]])
def test_areas_out_of_their_range_are_rejected(probability, areas) -> None:
    with pytest.raises(ValueError, match=r"Expected `areas` in \[0, 1\], but got"):
        probability(PlantedPatch(), WHITE, ORACLE, areas, target=0)


@BOTH
@pytest.mark.parametrize("areas", [[], torch.zeros(3, 1), torch.zeros(2, 1, 1)], ids=str)
def test_areas_of_another_shape_are_rejected(probability, areas) -> None:
    with pytest.raises(ValueError, match=r"Expected `areas` to be \(A,\) or \(2, A\), but got shape"):
        probability(PlantedPatch(), WHITE, ORACLE, areas, target=0)


def test_probability_under_a_mask_by_hand() -> None:
    half = probability_under(PlantedPatch(), WHITE, torch.full((2, 1, 1, 1), 0.5), target=0)
    torch.testing.assert_close(half, torch.full((2,), 0.5))
    inside = probability_under(PlantedPatch(), WHITE, ORACLE.bool(), target=[0, 1])
    torch.testing.assert_close(inside, torch.tensor([0.99, 0.01]))
    filled = probability_under(PlantedPatch(), WHITE, torch.zeros_like(WHITE), baselines=0.25, target=0)
    torch.testing.assert_close(filled, torch.full((2,), 0.01 + 0.98 * 0.25))


def test_masks_may_be_shared_by_the_batch() -> None:
    shared = probability_under(PlantedPatch(), WHITE, ORACLE[:1, 0] / 2, target=0)
    torch.testing.assert_close(shared, torch.full((2,), 0.5))


def test_one_logit_a_row_is_read_as_the_log_odds() -> None:
    inputs, mask = torch.tensor([[1.0, 2.0], [-1.0, 0.5]]), torch.tensor([[1.0, 0.5]])
    expected = torch.sigmoid((inputs * mask).sum(1))
    for model in (lambda x: Additive()(x)[:, 0], lambda x: Additive()(x)[:, :1]):
        torch.testing.assert_close(probability_under(model, inputs, mask), expected)


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_masks_out_of_their_range_are_rejected(value: float) -> None:
    with pytest.raises(ValueError, match=r"Expected a mask in \[0, 1\], but got"):
        probability_under(PlantedPatch(), WHITE, torch.full_like(WHITE, value), target=0)


@pytest.mark.parametrize("shape", [(3, 1, HEIGHT, WIDTH), (2, 1, HEIGHT, 5), (2, 2, 1, 1)], ids=str)
def test_masks_that_do_not_broadcast_are_rejected(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="Expected a mask that broadcasts to inputs of shape"):
        probability_under(PlantedPatch(), WHITE, torch.ones(shape), target=0)


def test_cut_masks_are_asked_about_as_shown_and_taken_away(images: Tensor, net: nn.Module) -> None:
    cells = torch.rand(2, len(images), 1, 4, 4, generator=torch.Generator().manual_seed(0))
    fill = images.roll(1, 0)
    masks = FIDOMasks(cells[0], cells[1], tuple(images.shape[2:]), infill=fill)
    told = mask_probabilities(net, images, masks, target=1, threshold=0.4)
    seen = {
        "image": images,
        "infill": fill,
        "ssr": torch.where(masks.ssr >= 0.4, images, fill),
        "sdr": torch.where(masks.sdr >= 0.4, fill, images),
    }
    with torch.no_grad():
        for name, shown in seen.items():
            assert torch.allclose(told[name], net(shown).softmax(1)[:, 1], atol=1e-6)


def test_masks_are_cut_at_one_half_by_default_and_arguments_go_along(images: Tensor, net: nn.Module) -> None:
    cells = torch.rand(2, len(images), 1, 4, 4, generator=torch.Generator().manual_seed(0))
    masks = FIDOMasks(cells[0], cells[1], tuple(images.shape[2:]), infill=images.roll(1, 0))
    model, factors = lambda x, factor: factor[:, None] * net(x), torch.tensor([0.5, 1.0, 2.0])
    usual = mask_probabilities(model, images, masks, 1, factors)
    half = mask_probabilities(model, images, masks, 1, factors, threshold=0.5)
    assert all(torch.equal(usual[name], half[name]) for name in half)
    whole = (factors[:, None] * net(images)).softmax(1)[:, 1]
    torch.testing.assert_close(usual["image"], whole)


def test_by_default_64_rows_are_asked_about_at_a_time() -> None:
    watched, factors = Watched(lambda x, factor: factor[:, None] * Additive()(x)), random(70)
    kept = probability_under(watched, random(70, 2), torch.ones(1, 2), 0.0, 0, factors)
    assert watched.rows == [64, 6]
    torch.testing.assert_close(kept, torch.sigmoid(factors * random(70, 2).sum(1)))


def test_masks_without_an_infill_cannot_be_asked_about(images: Tensor, net: nn.Module) -> None:
    cells = torch.rand(len(images), 1, 4, 4)
    with pytest.raises(ValueError, match="with their infill"):
        mask_probabilities(net, images, FIDOMasks(cells, cells, (8, 8)), target=1)
