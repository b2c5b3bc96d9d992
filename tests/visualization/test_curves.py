"""Curves: what is drawn is what was measured."""

import colorsys
from itertools import islice

import numpy as np
import pytest
import torch
from panels import entries, name, overlaps, words
from scipy.stats import sem

from captum_scd.metrics import InsertionDeletion
from captum_scd.visualization import curves_figure, randomization_figure
from captum_scd.visualization.lines import PALETTE, looks

SHARES = torch.linspace(0, 1, 5)
UP = {"good": torch.tensor([[0.0, 1, 1, 1, 1], [0.0, 0.6, 1, 1, 1]]), "bad": torch.rand(2, 5) * 0.2}
DOWN = {"good": torch.rand(2, 5) * 0.2, "bad": torch.tensor([[1.0, 1, 1, 0.5, 0], [1, 1, 1, 1, 0.0]])}
LAYERS = ["head", "body.3", "body.0"]


def test_lines_are_means_and_bands_standard_errors() -> None:
    _, axes = curves_figure(SHARES, UP, DOWN)
    assert [name(axis) for axis in axes] == ["Insertion", "Deletion"]
    good = next(line for line in axes[0].lines if line.get_label().endswith("good"))
    np.testing.assert_allclose(good.get_xdata(), [0, 25, 50, 75, 100])
    np.testing.assert_allclose(good.get_ydata(), UP["good"].mean(0), rtol=1e-6)
    band = axes[0].collections[axes[0].lines.index(good)].get_paths()[0].vertices
    at_25 = band[np.isclose(band[:, 0], 25), 1]
    np.testing.assert_allclose([at_25.min(), at_25.max()], 0.8 + np.array([-1, 1]) * sem([1, 0.6]), rtol=1e-6)


def test_the_legend_has_the_areas_of_the_metric_best_first() -> None:
    _, axes = curves_figure(SHARES, UP, DOWN)
    for axis, best in ((axes[0], ["good", "bad"]), (axes[1], ["good", "bad"])):
        curves = UP if axis is axes[0] else DOWN
        areas = {key: InsertionDeletion(SHARES, one, one).insertion.mean() for key, one in curves.items()}
        assert entries(axis) == [f"{areas[key]:.3f}  {key}" for key in best]


def test_a_method_looks_the_same_in_both_plots_and_no_two_look_alike() -> None:
    many = {f"{i}": torch.rand(1, 5) for i in range(8)}
    _, axes = curves_figure(SHARES, many, many)
    seen = [
        {line.get_label()[-1]: (line.get_color(), line.get_linestyle()) for line in axis.lines}
        for axis in axes
    ]
    assert seen[0] == seen[1]
    assert len(set(seen[0].values())) == 8
    assert len({tuple(look.values()) for look in islice(looks(), 28)}) == 28


def test_no_colour_is_too_light_for_white_paper() -> None:
    for color in PALETTE:
        rgb = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        assert colorsys.rgb_to_hls(*rgb)[1] < 0.7


def test_one_image_has_no_band_and_several_say_what_the_band_is() -> None:
    figure, axes = curves_figure(SHARES, {"a": UP["good"][:1]}, {"a": DOWN["good"][:1]})
    assert not axes[0].collections
    assert not any("band" in word for word in words(figure))
    assert "mean of 2 images; band: standard error" in words(curves_figure(SHARES, UP, DOWN)[0])


@pytest.mark.parametrize("methods", [1, 8])
def test_words_of_curves_keep_clear_of_each_other(methods: int) -> None:
    many = {f"Integrated gradients {i}": torch.rand(3, 5) for i in range(methods)}
    figure, axes = curves_figure(SHARES, many, many, "What the model says as pixels come and go, in short")
    assert overlaps(figure) == []
    box = axes[0].get_legend().get_window_extent()
    assert box.y0 >= 0
    assert box.y1 <= axes[0].xaxis.label.get_window_extent().y0


@pytest.mark.parametrize(
    ("shares", "insertion", "deletion", "message"),
    [
        (SHARES[:1], UP, DOWN, "`shares` to be at least two rising numbers"),
        (SHARES.flip(0), UP, DOWN, "`shares` to be at least two rising numbers"),
        (100 * SHARES, UP, DOWN, r"`shares` in \[0, 1\]"),
        (SHARES, {}, {}, "same methods, at least one"),
        (SHARES, UP, {"good": DOWN["good"]}, "same methods"),
        (SHARES[:4], UP, DOWN, r"curves of 'good' of shape \(N, 4\)"),
        (SHARES, {"a": torch.ones(0, 5)}, {"a": torch.ones(1, 5)}, "curves of 'a' of shape"),
        (SHARES, {"a": torch.ones(1, 5)}, {"a": 2 * torch.ones(1, 5)}, r"`curves of 'a'` in \[0, 1\]"),
        (
            SHARES,
            {"a": torch.ones(1, 5)},
            {"a": torch.nan * torch.ones(1, 5)},
            r"`curves of 'a'` in \[0, 1\]",
        ),
    ],
)
def test_curves_that_do_not_fit_are_answered_in_one_sentence(shares, insertion, deletion, message) -> None:
    with pytest.raises(ValueError, match=f"Expected .*{message}.*, but got"):
        curves_figure(shares, insertion, deletion)


def test_correlations_are_drawn_layer_by_layer_with_the_last_as_the_number() -> None:
    several = torch.tensor([[0.9, 0.7], [0.4, 0.2], [0.1, -0.3]])
    figure, axis = randomization_figure(LAYERS, {"a": several, "b": torch.tensor([1.0, 0.9, 0.8])}, "Sane?")
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [0.8, 0.3, -0.1], atol=1e-7)
    np.testing.assert_allclose(axis.lines[1].get_ydata(), [1, 0.9, 0.8], rtol=1e-6)
    assert [tick.get_text() for tick in axis.get_xticklabels()] == LAYERS
    assert entries(axis) == ["-0.10  a", "+0.80  b"]
    assert "Sane?" in words(figure)


def test_flat_maps_leave_a_gap_and_no_number() -> None:
    nan = torch.nan
    holed = torch.tensor([[0.9, 0.7], [0.4, nan], [nan, nan]])
    _, axis = randomization_figure(LAYERS, {"a": holed})
    np.testing.assert_allclose(axis.lines[0].get_ydata(), [0.8, 0.4, nan], rtol=1e-6)
    assert entries(axis) == ["none  a"]


def test_strong_anticorrelation_stays_in_the_plot() -> None:
    _, axis = randomization_figure(LAYERS, {"a": torch.tensor([0.5, 0.0, -0.9])})
    assert axis.get_ylim()[0] < -0.9


@pytest.mark.parametrize("count", [1, 3, 20])
def test_long_names_of_layers_stay_on_the_page(count: int) -> None:
    layers = ["encoder.layers.encoder_layer_11.self_attention.out_proj", *LAYERS, *map(str, range(20))][
        :count
    ]
    figure, axis = randomization_figure(layers, {"Guided backpropagation": torch.linspace(1, 0, count)}, "x")
    assert overlaps(figure) == []
    for tick in axis.get_xticklabels():
        box = tick.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= axis.xaxis.label.get_window_extent().y1
    assert axis.get_legend().get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize(
    ("layers", "correlations", "message"),
    [
        ([], {"a": torch.ones(0)}, "correlations of 'a' of shape"),
        (LAYERS, {}, "at least one layer and one method"),
        (LAYERS, {"a": torch.ones(2)}, r"correlations of 'a' of shape \(3,\) or \(3, N\)"),
        (LAYERS, {"a": torch.ones(2, 3)}, r"correlations of 'a' of shape \(3,\) or \(3, N\)"),
        (LAYERS, {"a": torch.ones(3, 0)}, r"correlations of 'a' of shape \(3,\) or \(3, N\)"),
        (LAYERS, {"a": 2 * torch.ones(3)}, r"correlations of 'a'` in \[-1, 1\]"),
    ],
)
def test_correlations_that_do_not_fit_are_answered_in_one_sentence(layers, correlations, message) -> None:
    with pytest.raises(ValueError, match=f"Expected .*{message}.*, but got"):
        randomization_figure(layers, correlations)
