"""What a step costs, what it reports, and where it leads; the algorithm behind it is free to change."""

import pytest
import torch
from models import PlantedPatch, SavedBytes, Watched
from quick import explain
from torch import Tensor, nn

PASSES_OF_A_SAMPLE = 2
"""Rows of a forward pass for one mask sample of one example in one step: SSR and SDR."""


def _rows(net: nn.Module, images: Tensor, **options) -> int:
    watched = Watched(net).eval()
    explain(watched, images, **options)
    return sum(watched.rows)


@pytest.mark.parametrize("n_samples", [1, 2, 3])
def test_a_step_costs_two_passes_a_sample_and_example(net: nn.Module, images: Tensor, n_samples: int) -> None:
    short, long = (_rows(net, images, n_iterations=n, n_samples=n_samples) for n in (2, 5))
    assert long - short == 3 * PASSES_OF_A_SAMPLE * n_samples * len(images)


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


def test_tolerance_saves_passes_and_does_not_couple_examples() -> None:
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    images[0] = 0
    options = {
        "n_iterations": 25,
        "tolerance": 0.02,
        "learning_rate": 0.2,
        "strategies": {"infill": "constant"},
    }
    watched = Watched(PlantedPatch()).eval()
    together = explain(watched, images, **options)
    spent = len(watched.rows), sum(watched.rows)
    alone = [_alone(image[None], options) for image in images]
    torch.testing.assert_close(together, torch.cat([map_ for map_, _, _ in alone]), rtol=0, atol=1e-5)
    assert spent[1] == sum(rows for _, _, rows in alone)
    assert len({calls for _, calls, _ in alone}) > 1, "examples should leave at different times"
    full = _rows(PlantedPatch(), images, **{**options, "tolerance": 0.0})
    assert spent[1] < full


def _alone(image: Tensor, options) -> tuple[Tensor, int, int]:
    watched = Watched(PlantedPatch()).eval()
    return explain(watched, image, **options), len(watched.rows), sum(watched.rows)


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


@pytest.mark.parametrize("mask", ["ssr", "sdr"])
def test_a_price_on_variation_makes_samples_smoother(net: nn.Module, images: Tensor, mask: str) -> None:
    def variation(weight: float) -> Tensor:
        _, masks = explain(net, images, n_iterations=12, mask_size=8, return_masks=True, tv_weight=weight)
        return masks.history[f"{mask}_tv"][-4:].mean(0)

    assert (variation(1000.0) < variation(0.0)).all()


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
