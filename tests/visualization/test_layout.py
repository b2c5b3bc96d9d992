"""Words are measured as they are drawn, and broken where they must be."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from panels import draw

from captum_scd.visualization.layout import outline, sheet
from captum_scd.visualization.words import lines_height, text_width, wrapped

TEXT = "insertion 0.812, deletion 0.043"


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("points", [6.0, 13.0])
def test_words_are_as_wide_as_they_are_drawn(points: float, weight: str) -> None:
    figure = Figure(dpi=400)
    drawn = figure.text(0, 0.5, TEXT, fontsize=points, fontweight=weight)
    draw(figure)
    assert text_width(TEXT, points, weight) == pytest.approx(drawn.get_window_extent().width / 400, rel=0.03)
    assert text_width("", points, weight) == 0


@pytest.mark.parametrize("width", [0.8, 1.2, 5.0])
def test_lines_keep_to_the_width_and_lose_no_word(width: float) -> None:
    lines = wrapped(TEXT, width, 8).split("\n")
    assert " ".join(lines) == TEXT
    assert all(text_width(line, 8) <= width for line in lines)
    assert all(text_width(f"{line} {after.split()[0]}", 8) > width for line, after in pairwise(lines))


def test_long_words_stay_whole_and_breaks_stay() -> None:
    assert wrapped("Staffordshire\nbull terrier", 0.3, 10) == "Staffordshire\nbull\nterrier"
    assert wrapped("", 1, 10) == ""


def test_room_is_that_of_the_tallest_text() -> None:
    assert lines_height(["a", "a\nb\nc", ""], 10) == pytest.approx(3 * lines_height(["a"], 10))
    assert lines_height(["", ""], 10) == 0


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_panels_have_the_size_and_the_aspect_that_were_asked_for(aspect: float) -> None:
    figure, axes = sheet(2, 3, 1.5, aspect)
    size = figure.get_size_inches()
    for axis in axes.flat:
        np.testing.assert_allclose(axis.get_position().size * size, (1.5, 1.5 * aspect))


def test_outlines_of_a_ring_go_around_its_hole_too() -> None:
    ring = torch.ones(5, 5, dtype=torch.bool)
    ring[1:4, 1:4] = False
    axis = Figure().add_subplot()
    outline(axis, ring)
    assert len(axis.collections[0].get_segments()) == 4 * 5 + 4 * 3
