"""Curves and areas of models whose answer is known in closed form."""

import pytest
import torch
from models import Additive, PlantedPatch, Watched
from torch import Generator, Tensor

from captum_scd import metrics

HEIGHT, WIDTH = 10, 12
SHARE = 12 / (HEIGHT * WIDTH)
"""Of the patch in the image."""

WHITE = torch.ones(2, 1, HEIGHT, WIDTH)
ORACLE = PlantedPatch.region(HEIGHT, WIDTH).float().expand(2, -1, -1, -1)
BOTH_AREAS = pytest.mark.parametrize("area", [metrics.sufficient_area, metrics.destroying_area])
ALL = pytest.mark.parametrize(
    "metric", [metrics.insertion_deletion, metrics.sufficient_area, metrics.destroying_area]
)


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=Generator().manual_seed(seed))


def test_curves_of_an_additive_model_are_sigmoids_of_partial_sums() -> None:
    inputs = torch.tensor([[3.0, -1.0, 0.5, 2.0]])
    baseline = torch.tensor([[0.5, 0.5, 0.0, -1.0]])
    order = [3, 0, 1, 2]
    attributions = torch.tensor([[3.0, 2.0, 1.0, 4.0]])
    steps = [[i in order[:k] for i in range(4)] for k in range(5)]
    enter, leave = torch.tensor(steps), ~torch.tensor(steps)
    whole = torch.sigmoid(inputs.sum())
    curves = [
        (torch.sigmoid(torch.where(kept, inputs, baseline).sum(1)) / whole).clamp(max=1)
        for kept in (enter, leave)
    ]
    result = metrics.insertion_deletion(Additive(), inputs, attributions, baseline, target=0, n_steps=4)
    torch.testing.assert_close(result.insertion_curve[0], curves[0])
    torch.testing.assert_close(result.deletion_curve[0], curves[1])
    torch.testing.assert_close(result.shares, torch.linspace(0, 1, 5))


def test_curves_of_a_planted_patch_are_straight_lines() -> None:
    result = metrics.insertion_deletion(PlantedPatch(), WHITE, ORACLE, target=0, n_steps=HEIGHT * WIDTH)
    kept = (result.shares / SHARE).clamp(max=1)
    expected = (0.01 + 0.98 * kept) / 0.99
    torch.testing.assert_close(result.insertion_curve, expected.expand(2, -1), rtol=0, atol=1e-4)
    torch.testing.assert_close(
        result.deletion_curve, ((0.01 + 0.98 * (1 - kept)) / 0.99).expand(2, -1), rtol=0, atol=1e-4
    )
    area = 1 - (1 - 0.01 / 0.99) * SHARE / 2
    torch.testing.assert_close(result.insertion, torch.full((2,), area), rtol=0, atol=1e-4)
    torch.testing.assert_close(result.difference, result.insertion - result.deletion)


def test_the_oracle_beats_a_random_map_which_beats_the_reverse() -> None:
    def score(attributions: Tensor) -> float:
        return metrics.insertion_deletion(PlantedPatch(), WHITE, attributions, target=0).difference[0].item()

    assert score(ORACLE) > 0.8
    assert abs(score(_random(2, 1, HEIGHT, WIDTH))) < 0.2
    assert score(-ORACLE) < -0.8


def test_a_flat_map_ranks_as_chance_does() -> None:
    difference = metrics.insertion_deletion(
        PlantedPatch(), WHITE, torch.zeros_like(WHITE), target=0
    ).difference
    assert difference.abs().max() < 0.3


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.999])
def test_sufficient_area_of_a_planted_patch_is_the_part_of_its_share_that_keeps_the_class(
    keep: float,
) -> None:
    needed = (0.99 * keep - 0.01) / 0.98 * SHARE
    area = metrics.sufficient_area(PlantedPatch(), WHITE, ORACLE, target=0, keep=keep)
    torch.testing.assert_close(area, torch.full((2,), needed), rtol=0, atol=1 / (HEIGHT * WIDTH))


@pytest.mark.parametrize("leave", [0.5, 0.05, 0.011])
def test_destroying_area_of_a_planted_patch_is_the_part_of_its_share_that_must_go(leave: float) -> None:
    needed = (1 - (0.99 * leave - 0.01) / 0.98) * SHARE
    area = metrics.destroying_area(PlantedPatch(), WHITE, ORACLE, target=0, leave=leave)
    torch.testing.assert_close(area, torch.full((2,), needed), rtol=0, atol=1 / (HEIGHT * WIDTH))


@BOTH_AREAS
def test_areas_of_a_random_map_are_larger_than_those_of_the_oracle(area) -> None:
    ours, chance = (
        area(PlantedPatch(), WHITE, one, target=0) for one in (ORACLE, _random(2, 1, HEIGHT, WIDTH))
    )
    assert (chance > 3 * ours).all()


def test_areas_are_one_where_no_share_reaches_the_goal() -> None:
    never = metrics.destroying_area(PlantedPatch(), WHITE, ORACLE, baselines=1.0, target=0)
    assert never.tolist() == [1, 1]


def test_areas_are_zero_where_the_baseline_has_reached_the_goal() -> None:
    assert metrics.sufficient_area(PlantedPatch(), WHITE, ORACLE, baselines=1.0, target=0).max() < 1e-3


def test_probability_under_a_mask_by_hand() -> None:
    half = metrics.probability_under(PlantedPatch(), WHITE, torch.full((2, 1, 1, 1), 0.5), target=0)
    torch.testing.assert_close(half, torch.full((2,), 0.5))
    inside = metrics.probability_under(PlantedPatch(), WHITE, ORACLE.bool(), target=[0, 1])
    torch.testing.assert_close(inside, torch.tensor([0.99, 0.01]))
    filled = metrics.probability_under(
        PlantedPatch(), WHITE, torch.zeros_like(WHITE), baselines=0.25, target=0
    )
    torch.testing.assert_close(filled, torch.full((2,), 0.01 + 0.98 * 0.25))


@ALL
def test_maps_may_have_one_channel_or_the_channels_of_the_input(metric, net, images: Tensor) -> None:
    attributions = _random(*images.shape)
    summed = attributions.sum(1, keepdim=True)
    first, second = (metric(net, images, one, target=1, n_steps=5) for one in (attributions, summed))
    for name in ("insertion", "deletion") if metric is metrics.insertion_deletion else ():
        torch.testing.assert_close(getattr(first, name), getattr(second, name))
    if metric is not metrics.insertion_deletion:
        torch.testing.assert_close(first, second)


@ALL
def test_an_example_is_measured_the_same_in_any_batch_and_with_any_cap(metric, net, images: Tensor) -> None:
    def measure(rows: slice, cap: int) -> Tensor:
        target = [0, 3, 1][rows]
        result = metric(
            Watched(net),
            images[rows],
            _random(*images.shape)[rows],
            target=target,
            n_steps=6,
            internal_batch_size=cap,
        )
        return result if isinstance(result, Tensor) else result.difference

    whole = measure(slice(None), 64)
    torch.testing.assert_close(torch.cat([measure(slice(i, i + 1), 64) for i in range(3)]), whole)
    torch.testing.assert_close(measure(slice(None), 1), whole)


@ALL
def test_no_forward_pass_has_more_rows_than_the_cap(metric, net, images: Tensor) -> None:
    watched = Watched(net)
    metric(watched, images, images, target=0, n_steps=6, internal_batch_size=2)
    assert max(watched.rows) <= 2


@ALL
@pytest.mark.parametrize(
    ("attributions", "message"),
    [
        (torch.zeros(3, 2, 12, 10), "Expected attributions of shape"),
        (torch.zeros(3, 1, 6, 5), "Expected attributions of shape"),
        (torch.full((3, 1, 12, 10), float("nan")), "Expected finite attributions"),
    ],
    ids=["channels", "size", "NaN"],
)
def test_maps_that_do_not_fit_are_rejected(
    metric, net, images: Tensor, attributions: Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        metric(net, images, attributions, target=0)


@ALL
def test_a_missing_target_is_an_assertion_error(metric, net, images: Tensor) -> None:
    with pytest.raises(AssertionError, match="Expected a `target`"):
        metric(net, images, images)


def test_a_class_without_any_probability_gives_finite_curves() -> None:
    inputs = torch.full((1, 4), 500.0)
    result = metrics.insertion_deletion(Additive(), inputs, inputs, target=1)
    assert result.insertion.isfinite().all()
    assert result.deletion.isfinite().all()


def test_measuring_leaves_no_graph(net, images: Tensor) -> None:
    result = metrics.insertion_deletion(net, images.requires_grad_(), images, target=0, n_steps=3)
    assert not result.insertion.requires_grad
