"""What a comparison shows: tables, dictionaries and figures, true to the rows."""

import dataclasses
import json
import pickle
import sys
import types

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.text import Text
from torch import Tensor, nn

from captum_scd import compare
from captum_scd.comparison import Comparison, tables


def ramp(inputs: Tensor) -> Tensor:
    return torch.arange(inputs[0].numel()).view(1, *inputs.shape[1:]).expand_as(inputs).float()


def broken(inputs: Tensor) -> Tensor:
    raise ArithmeticError("a | b")


@pytest.fixture
def comparison(net: nn.Module, images: Tensor) -> Comparison:
    methods = {"a": (ramp, {}), "b": "random", "c": broken}
    return compare(net, images, [4, 0, 2], methods, ["insertion", "difference", "total_variation"])


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_table_has_a_line_a_method_and_means_over_images(comparison: Comparison) -> None:
    head, rule, *lines = comparison.to_markdown().split("\n\n")[0].splitlines()
    assert cells(head)[:4] == ["method", "insertion ↑", "difference ↑", "TV ↓"]
    assert cells(head)[4:] == ["s/image", "forwards", "with backward"]
    assert cells(rule) == ["---", *["---:"] * 6]
    assert [cells(line)[0] for line in lines] == ["a", "b", "c"]
    for line, row in zip(lines, comparison.rows.values(), strict=True):
        assert len(cells(line)) == 7
        for cell, name in zip(cells(line)[1:], comparison.measures, strict=False):
            expected = np.mean(row.values[name].tolist()) if row.values else None
            assert cell == ("-" if expected is None else f"{expected:.3f}")


def test_memory_has_a_column_where_it_is_known(comparison: Comparison) -> None:
    cost = dataclasses.replace(comparison.rows["a"].cost, peak_bytes=3 * 2**20)
    rows = {**comparison.rows, "a": dataclasses.replace(comparison.rows["a"], cost=cost)}
    head, *lines = tables.lines(rows, comparison.measures)
    assert head[-1] == "peak MB"
    assert [line[-1] for line in lines] == ["3", "-", "-"]


def test_what_failed_is_said_below_the_table(comparison: Comparison) -> None:
    said, measuring = comparison.to_markdown().split("\n\n")[1].splitlines()
    assert said == "- c: failed: ArithmeticError: a | b"
    assert measuring.startswith("- measuring: ")


def test_names_cannot_break_the_table(net, images: Tensor) -> None:
    table = compare(net, images, methods={"a|b": ramp}, metrics=["total_variation"]).to_markdown()
    assert "| a\\|b |" in table


def test_the_dictionary_is_json_and_has_each_images_values(comparison: Comparison) -> None:
    record = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert (record["images"], record["size"], record["target"]) == (3, [12, 10], [4, 0, 2])
    assert record["metrics"]["insertion"] == {"label": "insertion", "better": "higher"}
    values = comparison.rows["a"].values["insertion"]
    assert record["methods"]["a"]["values"]["insertion"] == values.tolist()
    assert record["methods"]["a"]["means"]["insertion"] == pytest.approx(values.mean().item())
    assert record["methods"]["a"]["forward"] == 0
    assert record["methods"]["c"]["status"] == "failed"
    assert record["methods"]["c"]["seconds"] is None


def test_numbers_that_json_lacks_are_none(net, images: Tensor) -> None:
    def odd(model, inputs, attributions, baselines, target):
        return [float("nan"), float("inf"), 1.0]

    record = compare(net, images, methods=[ramp], metrics=[odd]).to_dict()
    json.dumps(record, allow_nan=False)
    assert record["methods"]["ramp"]["values"]["odd"] == [None, None, 1.0]
    assert record["methods"]["ramp"]["means"]["odd"] is None


def test_a_data_frame_has_a_line_for_each_method_and_image(comparison: Comparison, monkeypatch) -> None:
    frame = types.SimpleNamespace(DataFrame=lambda records: records)
    monkeypatch.setitem(sys.modules, "pandas", frame)
    lines = comparison.to_dataframe()
    assert [(line["method"], line["image"]) for line in lines] == [(m, i) for m in "abc" for i in range(3)]
    assert [line["insertion"] for line in lines[:3]] == comparison.rows["a"].values["insertion"].tolist()
    assert np.isnan(lines[-1]["insertion"])
    assert lines[-1]["status"] == "failed"


def test_a_data_frame_without_pandas_is_a_clear_error(comparison: Comparison, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="Expected pandas to be installed for `to_dataframe`"):
        comparison.to_dataframe()


def test_figures_have_a_row_an_image_and_a_column_a_method(comparison: Comparison) -> None:
    figure, axes = comparison.plot(metric="insertion", title="Why?")
    figure.canvas.draw()
    assert axes.shape == (3, 3)
    said = [text.get_text() for text in figure.findobj(Text)]
    for value in comparison.rows["a"].values["insertion"].tolist():
        assert f"insertion {value:.3f}" in said
    assert {"class 4", "class 0", "class 2", "Why?", "a", "b"} <= set(said)
    assert not any("class 1" in text for text in said)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("scale", ["rank", "percentile"])
def test_images_of_any_channels_and_flat_maps_are_drawn(channels: int, scale: str) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(channels * 64, 5)).eval()
    images = torch.rand(2, channels, 8, 8, generator=torch.Generator().manual_seed(0))
    methods = {"ramp": ramp, "flat": torch.zeros_like}
    comparison = compare(model, images, methods=methods, metrics=["difference"])
    figure, axes = comparison.plot(scale=scale)
    figure.canvas.draw()
    assert axes.shape == (2, 3)


def test_the_users_own_pictures_are_shown(comparison: Comparison) -> None:
    pictures = torch.rand(3, 3, 12, 10, generator=torch.Generator().manual_seed(0))
    _, axes = comparison.plot(images=pictures, labels=["x", "y", "z"], metric="")
    np.testing.assert_allclose(
        axes[1, 0].get_images()[0].get_array(), pictures[1].permute(1, 2, 0), atol=1e-6
    )


def test_curves_are_those_of_the_metrics(comparison: Comparison) -> None:
    figure, axes = comparison.plot_curves(title="Curves")
    figure.canvas.draw()
    said = " ".join(text.get_text() for text in axes[0].get_legend().get_texts())
    for name in ("a", "b"):
        assert f"{comparison.rows[name].values['insertion'].mean():.3f}  {name}" in said


def test_what_cannot_be_drawn_is_said(net, images: Tensor) -> None:
    comparison = compare(net, images, methods=[broken], metrics=["total_variation"])
    with pytest.raises(ValueError, match="Expected a method that is done"):
        comparison.plot(metric="")
    with pytest.raises(
        ValueError, match="Expected 'insertion', 'deletion' or 'difference' among the metrics"
    ):
        comparison.plot_curves()
    with pytest.raises(ValueError, match="Expected a method that is done"):
        comparison.plot()


def test_captions_are_of_a_metric_that_was_measured(net, images: Tensor) -> None:
    comparison = compare(net, images, methods=[torch.zeros_like], metrics=["total_variation"])
    _, axes = comparison.plot()
    assert "TV 0.000" in " ".join(text.get_text() for text in axes[0, 0].figure.findobj(Text))
    with pytest.raises(ValueError, match="Expected `metric` to be one of 'total_variation', but got 'area'"):
        comparison.plot(metric="area")


def test_a_comparison_is_independent_of_the_inputs_and_can_be_pickled(net, images: Tensor) -> None:
    inputs = images.clone()
    comparison = compare(net, inputs, methods=["random", "saliency"])
    inputs.zero_()
    assert torch.equal(comparison.inputs, images)
    again = pickle.loads(pickle.dumps(comparison))
    assert torch.equal(again.maps["saliency"], comparison.maps["saliency"])
    assert len(again) == 3
    assert not again.interrupted


def test_a_notebook_shows_maps_table_and_notes(net: nn.Module, images: Tensor) -> None:
    def failed(inputs: Tensor) -> Tensor:
        raise ArithmeticError("<script>")

    many, target = images.repeat(2, 1, 1, 1), [0, 1, 2, 3, 4, 0]
    comparison = compare(net, many, target, {"<i>": ramp, "b": failed}, ["total_variation"])
    figures = plt.get_fignums()
    page = comparison._repr_html_()
    assert plt.get_fignums() == figures
    assert page.count('src="data:image/png;base64,') == 1
    assert "Comparison of 6 images, maps of the first 4" in page
    assert "<td>&lt;i&gt;</td>" in page
    assert "ArithmeticError: &lt;script&gt;" in page
    assert "<i>" not in page
    assert "<script>" not in page


@pytest.mark.parametrize("method", [broken, lambda inputs: 0 * inputs, lambda inputs: inputs * torch.nan])
def test_a_notebook_shows_a_comparison_without_a_sound_map(net: nn.Module, images: Tensor, method) -> None:
    comparison = compare(net, images, 0, {"only": method}, ["total_variation"])
    assert "only" in comparison._repr_html_()
    assert ("<img" in comparison._repr_html_()) == bool(comparison.maps)
