"""Figures: what stands in them, and that it is true to the masks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from panels import name, overlaps, picture

from captum_scd import FIDOMasks, visualization
from captum_scd.verdict import judged


@pytest.fixture
def masks() -> FIDOMasks:
    cells = torch.zeros(1, 1, 6, 6)
    cells[..., 2:4, 1:5] = 1
    return FIDOMasks(cells, cells.transpose(2, 3), size=(6, 6))


IMAGE = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(0))
INFILL = torch.zeros(3, 6, 6)


def test_composites_are_the_ones_the_masks_define(masks):
    _, axes = visualization.masks_figure(IMAGE, INFILL, masks)
    ssr, sdr = masks.threshold(0.5, "ssr")[0], masks.threshold(0.5, "sdr")[0]
    np.testing.assert_allclose(picture(axes[0, 0]), IMAGE.permute(1, 2, 0))
    np.testing.assert_allclose(picture(axes[1, 1]), (IMAGE * ssr).permute(1, 2, 0))
    np.testing.assert_allclose(picture(axes[1, 2]), (IMAGE * ~sdr).permute(1, 2, 0))


def test_captions_tell_probabilities_and_areas(masks):
    said = {"image": 0.9, "infill": 0.05, "ssr": 0.8, "sdr": 0.1, "other": 1.0}
    _, axes = visualization.masks_figure(IMAGE, INFILL, masks, said, title="Why?")
    labels = [axis.get_xlabel() for axis in axes.flat]
    assert labels[0] == "probability 0.900 (all replaced: 0.050)"
    assert labels[1] == f"{8 / 36:.1%} of the image outlined"
    assert labels[3] == f"{4 / 36:.1%} of the image outlined"
    assert labels[4] == f"probability 0.800, with {8 / 36:.1%} of the image"
    assert labels[5] == f"probability 0.100, without {8 / 36:.1%} of the image"


@pytest.mark.parametrize(("count", "rows"), [(1, 3), (3, 3), (4, 4)])
def test_alternatives_follow_in_rows_of_three(masks, count, rows):
    further = replace(masks, verdict=(judged(0.93, 0.03, 0.01, 0.8, 0.9, depends=True),))
    figure, axes = visualization.masks_figure(IMAGE, INFILL, replace(masks, alternatives=(further,) * count))
    figure.canvas.draw()
    assert axes.shape == (rows, 3)
    shown = [axis for axis in axes[2:].flat if axis.axison]
    assert [name(axis) for axis in shown] == [f"Alternative SSR {place + 1}" for place in range(count)]
    assert shown[-1].get_xlabel() == f"{8 / 36:.1%} outlined, keeps 93% of the class"
    assert len(shown[-1].collections[0].get_segments()) == 2 * (2 + 4)


def test_an_alternative_that_nobody_judged_has_its_area(masks):
    _, axes = visualization.masks_figure(IMAGE, INFILL, replace(masks, alternatives=(masks,)))
    assert axes[2, 0].get_xlabel() == f"{8 / 36:.1%} outlined"


def test_missing_probabilities_are_left_out(masks):
    _, axes = visualization.masks_figure(IMAGE, INFILL, masks)
    assert [axis.get_xlabel() for axis in axes[:, 0]] == ["", f"{4 / 36:.1%} of the image outlined"]


def test_outlines_go_around_the_pixels(masks):
    _, axes = visualization.masks_figure(IMAGE, INFILL, masks)
    segments = axes[0, 1].collections[0].get_segments()
    assert len(segments) == 2 * (2 + 4)
    points = np.concatenate(segments)
    assert (points.min(0) == [0.5, 1.5]).all()
    assert (points.max(0) == [4.5, 3.5]).all()


def test_empty_masks_and_grey_images_are_drawn():
    empty = FIDOMasks(torch.zeros(1, 1, 6, 6), torch.zeros(1, 1, 6, 6), size=(6, 6))
    figure, axes = visualization.masks_figure(IMAGE[:1], INFILL[:1], empty)
    figure.canvas.draw()
    assert not axes[1, 0].lines


def test_wide_images_keep_their_proportions():
    masks = FIDOMasks(torch.ones(1, 1, 4, 8), torch.ones(1, 1, 4, 8), size=(4, 8))
    figure, axes = visualization.masks_figure(torch.rand(3, 4, 8), torch.rand(3, 4, 8), masks)
    box = axes[0, 0].get_position()
    width, height = figure.get_size_inches()
    assert box.width * width == pytest.approx(2 * box.height * height)


def test_contours_leave_the_photo_as_it_is_and_go_where_the_masks_are_cut(masks):
    _, axes = visualization.contours_figure(IMAGE, INFILL, masks, {"ssr": 0.8}, "Why?")
    ssr, sdr = masks.threshold(0.5, "ssr")[0], masks.threshold(0.5, "sdr")[0]
    assert [name(axis) for axis in axes] == [
        "Photo",
        "The SSR alone",
        "Without the SDR",
        "What the SDR takes",
    ]
    np.testing.assert_allclose(picture(axes[0]), IMAGE.permute(1, 2, 0))
    np.testing.assert_allclose(picture(axes[1]), (IMAGE * ssr).permute(1, 2, 0))
    np.testing.assert_allclose(picture(axes[2]), (IMAGE * ~sdr).permute(1, 2, 0))
    taken = picture(axes[3])[sdr[0].numpy()]
    np.testing.assert_allclose(taken, IMAGE.permute(1, 2, 0)[sdr[0]])
    assert picture(axes[3])[~sdr[0].numpy()].min() > 0.8
    assert axes[1].get_xlabel().replace("\n", " ") == f"probability 0.800, with {8 / 36:.1%} of the image"
    assert [len(axis.collections) for axis in axes] == [4, 2, 2, 0]


def test_the_two_contours_differ_in_colour_and_in_style(masks):
    figure, axes = visualization.contours_figure(IMAGE, INFILL, masks)
    casing, ssr, _, sdr = axes[0].collections
    assert casing.get_edgecolor().tolist() == [[0, 0, 0, 1]]
    assert not np.allclose(ssr.get_edgecolor(), sdr.get_edgecolor())
    assert ssr.get_linestyle() != sdr.get_linestyle()
    keys = {line.get_label(): line.get_linestyle() for line in figure.legends[0].legend_handles}
    assert keys == {"SSR, enough": "-", "SDR, needed": "--"}


def test_words_of_mask_figures_keep_clear_of_each_other(masks):
    said = {"image": 0.9, "infill": 0.05, "ssr": 0.8, "sdr": 0.1}
    title = "Why Staffordshire bullterrier and not American Staffordshire terrier?   (predicted: boxer, 0.51)"
    for draw in (visualization.masks_figure, visualization.contours_figure):
        assert overlaps(draw(IMAGE, INFILL, masks, said, title)[0]) == []


@pytest.mark.parametrize("draw", [visualization.masks_figure, visualization.contours_figure])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": IMAGE[None]}, "`image` of shape"),
        ({"image": 2 * IMAGE}, r"`image` in \[0, 1\]"),
        ({"infill": INFILL[:, :3]}, "`infill` of the image's size"),
        ({"infill": INFILL - 1}, r"`infill` in \[0, 1\]"),
        (
            {"masks": FIDOMasks(torch.ones(2, 1, 3, 3), torch.ones(2, 1, 3, 3), (6, 6))},
            "`masks` of one image",
        ),
        (
            {"masks": FIDOMasks(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3), (5, 6))},
            "`masks` of one image",
        ),
        ({"threshold": 50}, r"`threshold` in \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_answered_in_one_sentence(draw, masks, change, message: str):
    with pytest.raises(ValueError, match=f"Expected {message}.*, but got"):
        draw(**{"image": IMAGE, "infill": INFILL, "masks": masks, **change})


def test_a_note_has_its_own_room_and_the_part_of_the_photo_stands_above_it(masks):
    plain, bare = visualization.masks_figure(IMAGE, INFILL, masks)
    figure, axes = visualization.masks_figure(IMAGE, INFILL, masks, note="assumed", part="middle 57 %")
    assert (name(bare[0, 0]), name(axes[0, 0])) == ("Photo", "Photo, middle 57 %")
    assert "assumed" in [text.get_text() for text in figure.texts]
    below, before = (
        one[1, 0].get_position().y0 * sheet.get_figheight() for one, sheet in ((axes, figure), (bare, plain))
    )
    assert below - before == pytest.approx(figure.get_figheight() - plain.get_figheight())
    assert below > before
