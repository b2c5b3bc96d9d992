"""Figures show in notebooks by themselves."""

from io import BytesIO

import numpy as np
from matplotlib import image as images

from captum_scd.visualization.layout import sheet
from captum_scd.visualization.lines import plots


def test_a_sheet_and_plots_draw_themselves_as_they_are() -> None:
    for figure, axes in (sheet(1, 2, 1.0, 1.0), plots(1, 0.3)):
        axes.flat[0].set_title("a name")
        saved = BytesIO()
        figure.savefig(saved, format="png")
        pixels = images.imread(BytesIO(figure._repr_png_()))
        np.testing.assert_array_equal(pixels, images.imread(BytesIO(saved.getvalue())))
        width, height = figure.get_size_inches() * figure.dpi
        assert pixels.shape[:2] == (int(height), int(width))
