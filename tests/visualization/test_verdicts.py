"""The verdict at the top of a figure: there, in one frame, and clear of all else."""

import dataclasses

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from panels import draw, overlaps, words

from captum_scd import FIDOMasks, visualization
from captum_scd.verdict import Verdict, judged
from captum_scd.visualization.verdicts import label_of

GOOD = judged(0.97, 0.03, 0.01, 0.8, 0.9, depends=True)
BAD = judged(0.2, 0.03, 0.01, 0.8, 0.9, depends=True)
LONG = dataclasses.replace(BAD, why=" ".join(["the region keeps nothing of what it should"] * 4))
IMAGE = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
TITLE = "Why Staffordshire bullterrier and not American Staffordshire terrier?   (predicted: boxer, 0.51)"
SAID = {"image": 0.9, "infill": 0.05, "ssr": 0.8, "sdr": 0.1}
DRAWN = pytest.mark.parametrize("figure_of", [visualization.masks_figure, visualization.contours_figure])


def _masks(*verdict: Verdict, compared: bool = False) -> FIDOMasks:
    cells = torch.zeros(1, 1, 8, 8)
    cells[..., 2:6, 3:7] = 1
    return FIDOMasks(cells, cells, (8, 8), verdict=verdict, agreement_cells=cells if compared else None)


@DRAWN
@pytest.mark.parametrize("verdict", [GOOD, BAD], ids=lambda one: one.word)
def test_the_line_stands_in_the_figure(figure_of, verdict: Verdict) -> None:
    figure, _ = figure_of(IMAGE, IMAGE, _masks(verdict), title="Why?")
    assert words(figure) == ["Why?", verdict.line]


@DRAWN
def test_what_is_not_judged_is_drawn_as_before(figure_of) -> None:
    figure, axes = figure_of(IMAGE, IMAGE, _masks(), title="Why?")
    judged_figure, judged_axes = figure_of(IMAGE, IMAGE, _masks(GOOD), title="Why?")
    assert words(figure) == ["Why?"]
    sizes = [axis.get_window_extent().size for axis in (axes.flat[0], judged_axes.flat[0])]
    np.testing.assert_allclose(*sizes)
    assert figure.get_size_inches()[1] < judged_figure.get_size_inches()[1]


@DRAWN
@pytest.mark.parametrize("compared", [False, True])
@pytest.mark.parametrize("verdict", [GOOD, BAD, LONG], ids=["good", "bad", "long"])
def test_it_keeps_clear_of_all_else(figure_of, verdict: Verdict, compared: bool) -> None:
    figure, axes = figure_of(IMAGE, IMAGE, _masks(verdict, compared=compared), SAID, TITLE)
    assert overlaps(figure) == []
    (line,) = [text for text in figure.texts if text.get_text().replace("\n", " ") == verdict.line]
    frame = line.get_bbox_patch().get_window_extent()
    assert frame.y0 > axes.flat[0]._left_title.get_window_extent().y1
    assert frame.x0 == pytest.approx(axes.flat[0].get_window_extent().x0, abs=1.5)
    assert not any(frame.overlaps(legend.get_window_extent()) for legend in figure.legends)
    assert not frame.overlaps(figure.texts[0].get_window_extent())


def test_a_long_line_is_broken() -> None:
    label = label_of(_masks(LONG), room=5)
    assert label.text.count("\n") >= 2
    assert label.text.replace("\n", " ") == LONG.line
    assert label.height > 2 * label_of(_masks(BAD), room=5).height * 0.9
    assert label_of(_masks(), room=5).height == 0


def test_good_and_bad_differ_in_grey() -> None:
    papers = []
    for verdict in (GOOD, BAD):
        figure, _ = visualization.masks_figure(IMAGE, IMAGE, _masks(verdict))
        draw(figure)
        text = figure.texts[-1]
        paper, ink = text.get_bbox_patch().get_facecolor()[:3], to_rgb(text.get_color())
        assert abs(_grey(paper) - _grey(ink)) > 0.5
        papers.append(_grey(paper))
    assert papers[0] - papers[1] > 0.4


def _grey(color) -> float:
    return float(np.dot(color, (0.299, 0.587, 0.114)))
