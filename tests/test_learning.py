"""What a step asks, what it makes of the answers, and what it costs; on models whose slopes are known."""

from dataclasses import replace

import pytest
import torch
from models import PlantedPatch, SavedBytes, Watched
from planted import random
from quick import explain
from torch import Tensor, nn

from captum_scd import learning
from captum_scd.composites import Composites
from captum_scd.forward import make_query
from captum_scd.grid import make_grid
from captum_scd.learning import AREAS, LEAN, SDR, SLOPE_FLOOR, SPREAD, SSR, MaskLearning, finished
from captum_scd.objective import SCORES, Score, logit
from captum_scd.optimization import normalized
from captum_scd.sampling import simplified_concrete_dropout

INPUTS, INFILLS = random(3, 6) + 1, random(3, 6, seed=1)
WEIGHTS = random(6, seed=2)
CHANGES = WEIGHTS * (INPUTS - INFILLS)
"""What each feature adds to the score of a linear model."""

PASSES_OF_A_SAMPLE = 2
"""Rows of a forward pass for one mask sample of one start of one example in one step: SSR and SDR."""


class Drawn:
    """A sampler that notes what it is given and what it draws."""

    def __init__(self, sampler=simplified_concrete_dropout) -> None:
        self.sampler, self.calls = sampler, []

    def __call__(self, logits: Tensor, noise: Tensor, temperature: float) -> Tensor:
        samples = self.sampler(logits, noise, temperature)
        self.calls.append((logits.detach(), noise, samples.detach()))
        return samples


def linear(model=lambda x: x @ WEIGHTS, infills: tuple[Tensor, ...] = (INFILLS,), **options) -> MaskLearning:
    query = make_query(model, (INPUTS,), None)
    scored = lambda output, examples: output  # noqa: E731
    grid = make_grid((INPUTS,))
    settings = {
        "score": SCORES["logit"], "sampler": Drawn(), "n_samples": 2, "n_starts": 1, "temperature": 0.6,
        "generator": torch.Generator().manual_seed(0), "offset": 0.3, **options,
    }  # fmt: skip
    return MaskLearning([Composites((INPUTS,), (b,), query, scored, grid) for b in infills], **settings)


def flat(count: int = 3) -> Tensor:
    return torch.ones(count, dtype=torch.bool)


@pytest.mark.parametrize("n_samples", [1, 3])
def test_the_survey_of_a_linear_model_has_its_slopes_for_both_masks(n_samples: int) -> None:
    """Showing more of a feature adds what it adds to the score, in SSR and outside SDR alike."""
    asked = linear(n_samples=n_samples)
    for step in range(3):
        gradient = asked(step, asked.start(), flat()).gradient
        torch.testing.assert_close(gradient, -2 * CHANGES.expand(2, -1, -1))


def test_the_survey_reads_scores_as_they_are_whatever_the_rounds_make_of_them() -> None:
    asked = linear(score=Score(logit, lambda score: score.pow(3), lambda score: 7 * score))
    torch.testing.assert_close(asked(0, asked.start(), flat()).gradient, -2 * CHANGES.expand(2, -1, -1))


def test_a_round_goes_the_way_of_the_sampler_and_a_little_further() -> None:
    """Where samples are a tenth of the logits, so are the slopes, beside the floor."""
    asked = linear(sampler=lambda logits, noise, temperature: 0.5 + logits / 10)
    gradient = asked(0, asked.start(), ~flat()).gradient
    torch.testing.assert_close(gradient, -CHANGES.expand(2, -1, -1) * (0.1 + SLOPE_FLOOR / 0.6))


def test_a_round_weighs_a_sample_by_what_is_still_to_gain() -> None:
    """SSR by the chance that the class is gone, SDR by the chance that it is there."""
    drawn = Drawn(lambda logits, noise, temperature: 0.25 + logits / 10)
    asked = linear(sampler=drawn, score=SCORES["log_odds"], n_samples=1)
    gradient = asked(0, asked.start(), ~flat()).gradient
    samples = drawn.calls[0][2][0]
    kept = (INFILLS @ WEIGHTS) + (samples[SSR] * CHANGES).sum(-1)
    left = (INFILLS @ WEIGHTS) + ((1 - samples[SDR]) * CHANGES).sum(-1)
    weights = torch.stack([torch.sigmoid(-kept), torch.sigmoid(left)])
    torch.testing.assert_close(gradient, -weights[..., None] * CHANGES * (0.1 + SLOPE_FLOOR / 0.6))


@pytest.mark.parametrize("step", [0, 1, 7])
def test_what_is_outside_sdr_in_a_survey_is_as_large_as_ssr_and_looks_elsewhere(step: int) -> None:
    asked = linear()
    asked(step, asked.start(), flat())
    ((_, noise, samples),) = asked.sampler.calls
    areas = samples.mean(-1)
    torch.testing.assert_close(areas[:, SSR] + areas[:, SDR], torch.ones(2, 3), rtol=0, atol=1e-5)
    assert ((areas > 0.009) & (areas < 0.991)).all()
    assert noise.shape == (2, 1, 3, 6)


def test_the_areas_of_a_survey_fill_the_range_and_those_of_a_round_their_own() -> None:
    for one, low, high in ((flat(), 0.01, 0.99), (~flat(), *AREAS[SSR])):
        asked = linear(n_samples=1)
        for step in range(40):
            asked(step, asked.start(), one)
        areas = (
            torch.stack([samples[0, SSR, 0].mean() for _, _, samples in asked.sampler.calls]).sort().values
        )
        assert low - 1e-3 < areas[0] < areas[-1] < high + 1e-3
        places = areas if one[0] else (areas / low).log() / torch.tensor(high / low).log()
        assert places.diff().max() < 0.06


def test_a_round_draws_from_four_levels_that_both_masks_share() -> None:
    asked, known = linear(), random(2, 3, 6, seed=5)
    asked(0, known, ~flat())
    ((logits, _, _),) = asked.sampler.calls
    levels = (logits - logits.mean(-1, keepdim=True))[0]
    torch.testing.assert_close(levels[SSR], levels[SDR])
    for row, values in zip(levels[SSR], known.sum(0), strict=True):
        assert torch.equal(row[values.argsort()], row.sort().values)
        assert row.unique().numel() <= 4 + 2
        assert row.max() - row.min() == pytest.approx(2 * 1.1503 * SPREAD, rel=1e-3)


def test_examples_share_their_noise_and_starts_do_not() -> None:
    asked = linear(n_starts=2)
    gradient = asked(0, asked.start(), flat(6)).gradient
    ((_, noise, _),) = asked.sampler.calls
    first, second = noise.unflatten(2, (2, 3)).unbind(2)
    assert torch.equal(first, first[:, :, :1].expand_as(first))
    assert not torch.equal(first, second)
    torch.testing.assert_close(gradient, -2 * CHANGES.repeat(2, 1).expand(2, -1, -1))


def test_the_steps_take_the_infills_in_turn() -> None:
    asked = linear(infills=(INFILLS, 0 * INFILLS))
    for step in range(4):
        added = WEIGHTS * (INPUTS - (INFILLS if step % 2 == 0 else 0))
        torch.testing.assert_close(asked(step, asked.start(), flat()).gradient, -2 * added.expand(2, -1, -1))


def test_ssr_is_shown_and_sdr_is_taken_away() -> None:
    seen: list[Tensor] = []

    def model(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x @ WEIGHTS

    asked = linear(model, n_samples=1)
    measures = asked(0, asked.start(), flat()).measures
    ((_, _, samples),) = asked.sampler.calls
    shown = torch.stack([samples[0, SSR], 1 - samples[0, SDR]])
    torch.testing.assert_close(torch.cat(seen).view(2, 3, 6), INFILLS + shown * (INPUTS - INFILLS))
    torch.testing.assert_close(measures["ssr_score"], INFILLS @ WEIGHTS + (shown[0] * CHANGES).sum(-1))
    torch.testing.assert_close(measures["sdr_score"], INFILLS @ WEIGHTS + (shown[1] * CHANGES).sum(-1))
    torch.testing.assert_close(measures["sdr_area"], samples[0, SDR].mean(-1))
    torch.testing.assert_close(measures["loss"], measures["sdr_score"] - measures["ssr_score"])


def test_the_result_is_the_mean_of_the_starts_and_sdr_leans_on_ssr() -> None:
    asked, logits = linear(n_starts=2), random(2, 6, 6, seed=6)
    mean = (logits[:, :3] + logits[:, 3:]) / 2
    ssr, sdr = (normalized(one - one.mean(-1, keepdim=True)) for one in map(normalized, mean))
    found = asked.orders(logits)
    torch.testing.assert_close(found[SSR], ssr)
    torch.testing.assert_close(found[SDR], normalized(sdr + LEAN * ssr))


def test_the_blend_of_each_example_reaches_its_order() -> None:
    grid = make_grid((torch.zeros(1, 1, 56, 56),))
    image, logits = torch.zeros(1, 1, 56, 56), random(2, 2, grid.count, seed=9)
    asked = linear(n_starts=2)
    composites = [replace(one, inputs=(image,), grid=grid) for one in asked.composites]
    asked, coarse = replace(asked, composites=composites), torch.tensor([2])
    torch.testing.assert_close(
        asked.orders(logits, coarse), finished(grid, logits.mean(1, keepdim=True), coarse)
    )
    torch.testing.assert_close(asked.regions(logits)[2], asked.orders(logits, coarse)[SSR])
    assert not torch.equal(asked.orders(logits), asked.orders(logits, coarse))


def test_noise_comes_of_the_generator_alone() -> None:
    asked = linear()
    state, own = torch.get_rng_state(), asked.generator.get_state()
    asked(0, asked.start(), flat())
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(asked.generator.get_state(), own)


def test_an_order_is_a_sum_of_blurs_each_brought_to_one_size() -> None:
    grid = make_grid((torch.zeros(1, 1, 112, 112),))
    cells = random(1, grid.count, seed=7)
    expected = sum(
        weight * normalized(grid.smooth(cells, width)) for width, weight in learning.BLENDS["fine"]
    )
    expected = expected - expected.mean()
    torch.testing.assert_close(
        finished(grid, torch.stack([cells, cells]))[SSR], expected / expected.pow(2).mean().sqrt()
    )
    widths = [width for width, _ in learning.BLENDS["fine"]]
    assert max(widths) / min(widths) > 4


def test_each_ssr_is_made_of_its_own_blend_and_sdr_of_the_finest() -> None:
    grid = make_grid((torch.zeros(1, 1, 56, 56),))
    logits = random(2, 3, grid.count, seed=8)
    plain, mixed = finished(grid, logits), finished(grid, logits, torch.tensor([2, 0, 1]))
    lean = mixed[SDR] - plain[SDR]
    for place, scales in enumerate(list(learning.BLENDS.values())[i] for i in (2, 0, 1)):
        blurs = sum(w * normalized(grid.smooth(logits[SSR, place : place + 1], s)) for s, w in scales)
        torch.testing.assert_close(mixed[SSR, place], normalized(blurs - blurs.mean())[0])
    torch.testing.assert_close(mixed[:, 1], plain[:, 1])
    assert lean[0].abs().max() > 0.1
    blends = learning.blended(grid, logits[SSR])
    torch.testing.assert_close(mixed[SSR], torch.stack([blends[2, 0], blends[0, 1], blends[1, 2]]))


def _rows(net: nn.Module, images: Tensor, **options) -> int:
    watched = Watched(net).eval()
    explain(watched, images, **options)
    return sum(watched.rows)


@pytest.mark.parametrize("n_samples", [1, 2, 3])
def test_a_step_costs_two_passes_a_sample_and_example(net: nn.Module, images: Tensor, n_samples: int) -> None:
    for starts in (1, 2):
        options = {"n_samples": n_samples, "n_restarts": starts, "learning_rate": 0.0}
        short, long = (_rows(net, images, n_iterations=n, **options) for n in (2, 5))
        assert long - short == 3 * PASSES_OF_A_SAMPLE * n_samples * starts * len(images)


def test_history_has_each_iteration_and_example(net: nn.Module, images: Tensor) -> None:
    _, masks = explain(net, images, n_iterations=4, return_masks=True)
    assert {
        "loss",
        "ssr_score",
        "sdr_score",
        "ssr_area",
        "sdr_area",
        "ssr_tv",
        "sdr_tv",
    } <= masks.history.keys()
    for name, values in masks.history.items():
        assert values.shape == (4, 3), name
        assert values.isfinite().all(), name
        assert not values.requires_grad, name


@pytest.mark.parametrize("mode", ["joint", "ssr", "sdr"])
def test_a_planted_patch_is_found(mode: str) -> None:
    bright = torch.full((1, 1, 10, 12), 0.9)
    attribution = explain(
        PlantedPatch().eval(),
        bright,
        mode=mode,
        n_iterations=30,
        mask_size=10,
        strategies={"infill": "constant"},
    )
    inside = PlantedPatch.region(10, 12)
    assert attribution[inside].mean() > 2 * attribution[~inside].mean()


@pytest.mark.parametrize("cap", [1, 3, 7])
def test_internal_batch_size_bounds_the_rows_and_leaves_the_result(
    net: nn.Module, images: Tensor, cap: int
) -> None:
    watched = Watched(net).eval()
    capped = explain(watched, images, internal_batch_size=cap)
    assert max(watched.rows) == cap
    torch.testing.assert_close(capped, explain(net, images), rtol=0, atol=1e-4)


@pytest.mark.parametrize("fits", [1, 2, 5])
def test_running_out_of_memory_costs_no_result(net: nn.Module, images: Tensor, fits: int) -> None:
    starved = Watched(net, most_rows=fits).eval()
    torch.testing.assert_close(explain(starved, images), explain(net, images), rtol=0, atol=1e-4)


def test_memory_too_small_for_one_row_is_reported(net: nn.Module, images: Tensor) -> None:
    with pytest.raises(torch.cuda.OutOfMemoryError):
        explain(Watched(net, most_rows=0).eval(), images)


def test_peak_memory_follows_the_cap_and_not_the_batch(net: nn.Module) -> None:
    def peak(count: int, cap: int) -> int:
        with SavedBytes() as saved:
            explain(net, torch.ones(count, 3, 24, 24), n_iterations=1, mask_size=2, internal_batch_size=cap)
        return saved.peak

    one, four = peak(4, 1), peak(4, 4)
    assert 3 * one < four < 5 * one
    assert peak(8, 4) < 1.2 * four
