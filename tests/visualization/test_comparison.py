"""Methods side by side: the same rule for every panel, and nothing that a degenerate map can break."""

import numpy as np
import pytest
import torch
from panels import name, overlaps, picture, words
from scipy.stats import rankdata
from torch import Tensor

from captum_scd.visualization import comparison_figure, maps_figure
from captum_scd.visualization.pictures import tinted
from captum_scd.visualization.scales import by_percentile, by_rank

IMAGES = torch.rand(2, 3, 7, 5, generator=torch.Generator().manual_seed(0))
BLACK = torch.zeros(2, 3, 7, 5)


def maps(seed: int = 1, channels: int = 3) -> Tensor:
    return torch.randn(2, channels, 7, 5, generator=torch.Generator().manual_seed(seed))


def test_rank_is_the_share_of_other_pixels_strictly_below() -> None:
    values = maps()[0].mul(2).round()
    expected = (rankdata(values.sum(0), "min") - 1) / (7 * 5 - 1)
    np.testing.assert_allclose(by_rank(values)[0], expected.reshape(7, 5), rtol=1e-6)


@pytest.mark.parametrize("change", [lambda m: 3 * m + 1, lambda m: m.exp(), torch.Tensor.half], ids="mel")
def test_rank_does_not_change_with_what_keeps_the_order(change) -> None:
    values = torch.randperm(35).view(1, 7, 5) / 10
    torch.testing.assert_close(by_rank(change(values)), by_rank(values))


def test_percentile_divides_the_positive_part() -> None:
    values = torch.arange(-500.0, 501.0).view(1, 7, 143)
    top = np.percentile(values.clamp(min=0), 99.5)
    np.testing.assert_allclose(by_percentile(values), (values / top).clamp(0, 1), rtol=1e-6)


@pytest.mark.parametrize("scale", [by_rank, by_percentile])
def test_a_map_without_difference_is_dark_and_round_off_is_none(scale) -> None:
    noise = 1e-8 * maps()[0]
    assert scale(torch.zeros(3, 7, 5)).abs().max() == 0
    assert by_rank(0.3 + noise).max() == 0
    assert scale(noise - 1).max() == 0
    assert scale(torch.full((1, 7, 5), torch.nan)).isnan().all()


@pytest.mark.parametrize("scale", [by_rank, by_percentile])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_pixels_without_value_are_known_and_leave_the_others(scale, value: float) -> None:
    values = maps(channels=1)[0]
    holed = torch.cat([values, torch.full((1, 7, 2), value)], dim=2)
    torch.testing.assert_close(scale(holed)[..., :5], scale(values))
    assert scale(holed)[..., 5:].isnan().all()


def test_one_bright_pixel_is_not_lost() -> None:
    values = torch.zeros(1, 40, 40)
    values[0, 3, 4] = 1e-12
    for scale in (by_rank, by_percentile):
        assert scale(values).argmax() == 3 * 40 + 4
        assert scale(values)[0, 3, 4] == 1


def test_images_go_down_and_methods_across_in_their_order() -> None:
    some = {"b": maps(1), "a": maps(2, channels=1)}
    captions = {"a": ["low", "high"]}
    figure, axes = comparison_figure(IMAGES, some, captions, ["wren", "robin"], "Why?", scale="rank")
    assert axes.shape == (2, 3)
    assert [name(axis) for axis in axes[0]] == ["Photo", "b", "a"]
    assert [axis.get_xlabel() for axis in axes.T.flat] == ["wren", "robin", "", "", "low", "high"]
    assert "Why?" in words(figure)
    for i in range(2):
        np.testing.assert_allclose(picture(axes[i, 0]), IMAGES[i].permute(1, 2, 0))
        np.testing.assert_allclose(picture(axes[i, 1]), tinted(IMAGES[i], by_rank(some["b"][i])))
        np.testing.assert_allclose(picture(axes[i, 2]), tinted(IMAGES[i], by_rank(some["a"][i])))


def test_percentiles_are_drawn_where_nothing_else_is_asked_for() -> None:
    _, axes = comparison_figure(IMAGES, {"a": maps()})
    np.testing.assert_allclose(picture(axes[1, 1]), tinted(IMAGES[1], by_percentile(maps()[1])))


def test_more_important_is_lighter_in_grey_print_whatever_the_photo() -> None:
    ramp = torch.linspace(0, 1, 64).view(1, 1, -1)
    for brightness in (0.0, 0.5, 1.0):
        rgb = tinted(torch.full_like(ramp, brightness), ramp)[0]
        assert (np.diff(rgb @ [0.2126, 0.7152, 0.0722]) > 0).all()


def test_flat_maps_are_dark_and_missing_ones_grey_and_said_to_be_missing() -> None:
    flat, missing = torch.ones(2, 1, 7, 5), torch.full((2, 1, 7, 5), torch.nan)
    _, axes = comparison_figure(BLACK, {"flat": flat, "missing": missing, "whole": maps()}, scale="rank")
    assert picture(axes[0, 1]).max() < 0.02
    assert np.ptp(picture(axes[0, 2])) == 0
    assert 0.7 < picture(axes[0, 2]).max() < 0.9
    assert [[text.get_text() for text in axis.texts] for axis in axes[0]] == [[], [], ["no map"], []]


def test_half_precision_and_maps_on_a_graph_are_taken() -> None:
    comparison_figure(IMAGES.half(), {"a": maps().bfloat16(), "b": maps().requires_grad_()})


@pytest.mark.parametrize(("methods", "size"), [(1, (6, 6)), (3, (5, 12)), (8, (12, 5))], ids=str)
def test_words_keep_clear_of_each_other_and_of_the_edge(methods: int, size: tuple[int, int]) -> None:
    some = {f"Method number {i}, with a long name": torch.rand(2, 1, *size) for i in range(methods)}
    captions = {key: ["insertion 0.812, deletion 0.043"] * 2 for key in some}
    labels = ["Staffordshire bullterrier, p = 0.98", ""]
    figure, _ = comparison_figure(torch.rand(2, 3, *size), some, captions, labels, "Which pixels decide?")
    assert overlaps(figure) == []


def test_sixteen_images_and_eight_methods_make_a_page_of_readable_words() -> None:
    some = {f"Method {i}": torch.rand(16, 1, 4, 4) for i in range(8)}
    captions = {key: ["0.812"] * 16 for key in some}
    figure, axes = comparison_figure(torch.rand(16, 3, 4, 4), some, captions)
    assert axes.shape == (16, 9)
    assert figure.get_size_inches()[0] < 12
    assert axes[5, 5].xaxis.label.get_fontsize() >= 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": IMAGES[0]}, "`images` of shape"),
        ({"images": IMAGES * 2}, r"`images` in \[0, 1\]"),
        ({"images": IMAGES[:0]}, "`images` of shape"),
        ({"maps": {}}, "at least one map"),
        ({"maps": {"a": maps()[:1]}}, r"map 'a' of shape \(2, C, 7, 5\)"),
        ({"maps": {"a": maps()[..., :3]}}, r"map 'a' of shape \(2, C, 7, 5\)"),
        ({"maps": {"a": maps()[:, :0]}}, r"map 'a' of shape \(2, C, 7, 5\)"),
        ({"captions": {"b": ["", ""]}}, "`captions` to be one of 'a'"),
        ({"captions": {"a": [""]}}, "one entry per image"),
        ({"labels": ["", "", ""]}, "one entry per image"),
        ({"scale": "log"}, "`scale` to be one of 'rank', 'percentile'"),
    ],
)
def test_what_does_not_fit_is_answered_in_one_sentence(change, message: str) -> None:
    with pytest.raises(ValueError, match=f"Expected .*{message}.*, but got"):
        comparison_figure(**{"images": IMAGES, "maps": {"a": maps()}, **change})


def test_known_details_are_outlined_in_every_panel_and_their_shares_told() -> None:
    some = {"a": torch.zeros(2, 3, 6, 6), "b": torch.rand(2, 1, 6, 6) * 1e-6}
    regions = torch.zeros(2, 1, 6, 6, dtype=torch.bool)
    regions[..., :3] = True
    shares = {"a": torch.tensor([0.0, 0.0]), "b": torch.tensor([0.25, 0.5])}
    _, axes = maps_figure(torch.zeros(2, 3, 6, 6), some, regions, shares, ["x", "y"])
    assert axes.shape == (2, 3)
    assert axes[1, 0].get_xlabel() == "y\ndetail: 50.0% of the image"
    assert axes[1, 2].get_xlabel() == "50.0% of the map on the detail"
    assert picture(axes[0, 2]).max() > picture(axes[0, 1]).max()
    points = np.concatenate(axes[0, 1].collections[0].get_segments())
    assert points.min(0).tolist() == [-0.5, -0.5]
    assert points.max(0).tolist() == [2.5, 5.5]
    _, axes = maps_figure(torch.zeros(2, 3, 6, 6), some, regions, shares, region="card")
    assert axes[1, 0].get_xlabel() == "card: 50.0% of the image"
    assert axes[1, 2].get_xlabel() == "50.0% of the map on the card"
    with pytest.raises(ValueError, match=r"Expected `regions` of shape \(2, 1, 6, 6\), but got"):
        maps_figure(torch.zeros(2, 3, 6, 6), some, regions[0], shares)
    with pytest.raises(ValueError, match="Expected `labels` to have one entry per image"):
        maps_figure(torch.zeros(2, 3, 6, 6), some, regions, shares, ["x"])
