"""Figures show in notebooks by themselves."""

from io import BytesIO

import numpy as np
from matplotlib import image as images

from captum_scd.visualization.layout import sheet, write_title
from captum_scd.visualization.lines import heading, legend, plots
from captum_scd.visualization.words import text_width


def test_a_sheet_and_plots_draw_themselves_as_they_are() -> None:
    for figure, axes in (sheet(1, 2, 1.0, 1.0), plots(1, 0.3)):
        axes.flat[0].set_title("a name")
        saved = BytesIO()
        figure.savefig(saved, format="png")
        pixels = images.imread(BytesIO(figure._repr_png_()))
        np.testing.assert_array_equal(pixels, images.imread(BytesIO(saved.getvalue())))
        width, height = figure.get_size_inches() * figure.dpi
        assert pixels.shape[:2] == (int(height), int(width))


def test_a_dollar_in_a_name_begins_no_formula() -> None:
    for name in ("$5 a piece", "$\\foo{$", "a$b$c", "100 %$"):
        figure, axes = plots(1, 0.3)
        axes.flat[0].plot([0, 1], label=name)
        write_title(figure, name, room=1.0)
        legend(axes.flat[0], name)
        heading(figure, name, 1)
        figure.savefig(BytesIO(), format="png", bbox_inches="tight")
        assert text_width(name, 8) > 0
    assert text_width("a$b$c", 8) > text_width("abc", 8)
