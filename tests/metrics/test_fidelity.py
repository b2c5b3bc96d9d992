"""Infidelity: maps that foretell everything, and its definition applied to what the model was shown."""

import math

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Saliency
from models import Additive, PlantedPatch, Watched
from planted import HEIGHT, ORACLE, WHITE, WIDTH, random
from torch import Tensor, nn

from captum_scd.metrics import infidelity


class Seen(nn.Module):
    """Keeps what it is shown and what it answers."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.rows: list[Tensor] = []
        self.answers: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.rows.append(x.clone())
        self.answers.append(self.model(x))
        return self.answers[-1]

    def drops(self, inputs: Tensor, target: int) -> tuple[Tensor, Tensor]:
        """(samples, C, H, W) where one example was altered, and (samples,) what it cost."""
        rows, answers = torch.cat(self.rows), torch.cat(self.answers)[:, target]
        whole = (rows == inputs).flatten(1).all(1)
        return (rows != inputs)[~whole], answers[whole][0] - answers[~whole]


def _additive_maps() -> tuple[nn.Module, Tensor, Tensor, Tensor]:
    """A linear model, inputs, a baseline, and what each pixel contributes to class 2."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 10, 5))
    inputs, baseline = random(2, 3, 12, 10), random(2, 3, 12, 10, seed=1)
    weight = model[1].weight[2].detach().view(3, 12, 10)
    return model, inputs, baseline, weight * (inputs - baseline)


def test_contributions_of_a_linear_model_foretell_everything() -> None:
    model, inputs, baseline, contributions = _additive_maps()
    gradients = IntegratedGradients(model).attribute(inputs, baseline, target=2, n_steps=2)
    for maps in (contributions, gradients):
        assert infidelity(model, inputs, maps, baseline, target=2).max() < 1e-4
    assert infidelity(model, inputs, contributions, baseline, target=1).min() > 0.1


def test_slopes_of_a_linear_model_foretell_everything_once_they_meet_the_change() -> None:
    model, inputs, baseline, _ = _additive_maps()
    slopes = Saliency(model).attribute(inputs.clone().requires_grad_(), target=2, abs=False)
    local = infidelity(model, inputs, slopes, baseline, target=2, multiply_by_inputs=False)
    assert local.max() < 1e-4
    assert infidelity(model, inputs, slopes, baseline, target=2).min() > 0.1


def test_the_mask_of_a_planted_patch_foretells_its_probability() -> None:
    def probability(x: Tensor) -> Tensor:
        return PlantedPatch()(x).softmax(1)

    assert infidelity(probability, WHITE, ORACLE, target=0).max() < 1e-4
    for other in (random(2, 1, HEIGHT, WIDTH), torch.ones_like(WHITE), 1 - ORACLE):
        assert infidelity(probability, WHITE, other, target=0).min() > 0.1


@pytest.mark.parametrize("multiply_by_inputs", [True, False])
def test_it_is_the_share_of_the_squared_drops_that_no_multiple_of_the_map_foretells(
    net: nn.Module, images: Tensor, multiply_by_inputs: bool
) -> None:
    inputs, maps = images[:1], random(1, 3, 12, 10)
    baseline = images[1:2]
    seen = Seen(net)
    options = {"n_samples": 20, "multiply_by_inputs": multiply_by_inputs}
    value = infidelity(seen, inputs, maps, baseline, target=1, **options)
    replaced, drops = seen.drops(inputs, target=1)
    assert len(drops) == 20
    change = replaced if multiply_by_inputs else replaced * (inputs - baseline)
    foretold = (maps * change).flatten(1).sum(1).double()
    factor = (foretold @ drops.double()) / (foretold @ foretold)
    unforetold = (drops - factor * foretold).square().sum() / drops.square().sum()
    assert value.item() == pytest.approx(unforetold.item(), rel=1e-4)


def test_blocks_are_squares_of_the_baseline_shared_by_the_channels(net: nn.Module, images: Tensor) -> None:
    seen = Seen(net)
    infidelity(seen, images[:1], images[:1], images[1:2], target=0, n_samples=200)
    replaced, _ = seen.drops(images[:1], target=0)
    rows = torch.cat(seen.rows)[-200:]
    assert torch.equal(rows, torch.where(replaced, images[1:2], images[:1]))
    assert torch.equal(replaced, replaced[:, :1].expand_as(replaced))
    height, width = replaced[:, 0].any(2).sum(1), replaced[:, 0].any(1).sum(1)
    assert torch.equal(replaced[:, 0].flatten(1).sum(1), height * width)
    inner = replaced[:, 0, 1:-1, 1:-1].flatten(1).sum(1) == height * width
    assert torch.equal(height[inner], width[inner])
    assert height[inner].min() == 1
    assert height.unique().tolist() == width.unique().tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("size", [(8, 20), (20, 8)], ids=str)
def test_the_shortest_side_bounds_the_blocks(size) -> None:
    inputs, seen = random(1, 1, *size), Seen(Additive())
    infidelity(seen, inputs, inputs, target=0, n_samples=200)
    replaced, _ = seen.drops(inputs, target=0)
    height, width = replaced[:, 0].any(2).sum(1), replaced[:, 0].any(1).sum(1)
    assert height.max() == width.max() == 4


def test_each_pixel_is_in_a_block_as_often_as_any_other(images: Tensor) -> None:
    seen = Seen(Additive())
    samples = 5_000
    infidelity(seen, images[:1], images[:1], images[1:2], target=0, n_samples=samples)
    replaced, _ = seen.drops(images[:1], target=0)
    share = replaced[:, 0].float().mean(0)
    mean = share.mean().item()
    assert (share - mean).abs().max() < 5 * math.sqrt(mean * (1 - mean) / samples)


def test_tabular_features_are_replaced_in_subsets() -> None:
    inputs, weights = random(2, 6), random(6, seed=1) - 0.5

    def model(x: Tensor) -> Tensor:
        return x @ weights

    assert infidelity(model, inputs, weights * inputs).max() < 1e-4
    assert infidelity(model, inputs, weights.flip(0) * inputs).min() > 0.1


@pytest.mark.parametrize("scale", [1e-30, -1.0, 1e30])
def test_the_scale_of_a_map_does_not_matter(net: nn.Module, images: Tensor, scale: float) -> None:
    maps = random(3, 1, 12, 10)
    usual = infidelity(net, images, maps, target=0, n_samples=8)
    torch.testing.assert_close(infidelity(net, images, scale * maps, target=0, n_samples=8), usual)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_the_output_does_not_matter(net: nn.Module, images: Tensor, scale: float) -> None:
    maps = random(3, 1, 12, 10)
    usual = infidelity(net, images, maps, target=0, n_samples=8)
    scaled = infidelity(lambda x: scale * net(x), images, maps, target=0, n_samples=8)
    torch.testing.assert_close(scaled, usual)


def test_each_map_of_a_batch_has_its_own_scale(net: nn.Module, images: Tensor) -> None:
    maps = random(3, 1, 12, 10)
    scales = torch.tensor([1e-30, 1.0, 1e30]).view(3, 1, 1, 1)
    usual = infidelity(net, images, maps, target=0, n_samples=8)
    torch.testing.assert_close(infidelity(net, images, scales * maps, target=0, n_samples=8), usual)


def test_a_map_of_zeros_foretells_nothing(net: nn.Module, images: Tensor) -> None:
    assert infidelity(net, images, torch.zeros_like(images), target=0, n_samples=8).tolist() == [1, 1, 1]


def test_there_is_nothing_to_foretell_where_nothing_changes(net: nn.Module, images: Tensor) -> None:
    baseline = torch.cat([images[:1], torch.zeros_like(images[1:])])
    value = infidelity(net, images, images, baseline, target=0, n_samples=8)
    assert value.isnan().tolist() == [True, False, False]
    hardly = infidelity(lambda x: 100 + 1e-5 * net(x), images, images, target=0, n_samples=8)
    assert hardly.isnan().all()


def test_the_model_is_asked_once_about_each_row(net: nn.Module, images: Tensor) -> None:
    watched = Watched(net)
    infidelity(watched, images, images, target=0, n_samples=9, internal_batch_size=6)
    assert sum(watched.rows) == 3 * (1 + 9)


def test_seeds_draw_other_blocks(net: nn.Module, images: Tensor) -> None:
    first, again, other = (
        infidelity(net, images, images, target=0, n_samples=8, seed=seed) for seed in (0, np.int64(0), 1)
    )
    assert torch.equal(first, again)
    assert (first != other).all()


def test_seeds_draw_other_subsets_of_features() -> None:
    inputs, maps = random(2, 9), random(2, 9, seed=1)
    first, again, other = (infidelity(Additive(), inputs, maps, target=0, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert (first != other).all()


def test_by_default_64_blocks_of_seed_0_are_asked_about_64_at_a_time() -> None:
    watched = Watched(lambda x, factor: factor[:, None] * Additive()(x))
    inputs, factors = random(2, 9), torch.tensor([0.5, 2.0])
    maps = random(2, 9, seed=1)
    given = {"target": 0, "additional_forward_args": factors}
    usual = infidelity(watched, inputs, maps, **given)
    assert sum(watched.rows) == 2 * (1 + 64)
    assert max(watched.rows) == 64
    assert torch.equal(usual, infidelity(watched, inputs, maps, **given, n_samples=64, seed=0))


def test_one_block_is_foretold_by_any_map_that_has_something_in_it() -> None:
    assert infidelity(Additive(), torch.ones(1, 4), random(1, 4), target=0, n_samples=1, seed=3).item() < 1e-6


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("n_samples", 0, ValueError), ("n_samples", 2.0, TypeError), ("seed", -1, ValueError)],
)
def test_a_number_out_of_range_is_answered_with_its_name(net, images: Tensor, name, value, error) -> None:
    with pytest.raises(error, match=f"Expected `{name}` to be"):
        infidelity(net, images, images, target=0, **{name: value})
