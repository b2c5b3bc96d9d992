"""Regions as lines on a photo, which leave what is inside to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from torch import Tensor

from captum_scd.visualization.layout import MARGIN, NOTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Pen(NamedTuple):
    """A colour and a line style."""

    color: str
    style: Literal["-", "--"]


FIRST, SECOND = Pen("#56B4E9", "-"), Pen("#E69F00", "--")
"""Sky blue, whole, and orange, broken: told apart in grey by the style, on any photo by a dark casing."""

TIE = 1e-6
"""How far below the threshold a contour runs, so that it goes around what only just reaches it."""

WIDTHS = (2.8, 1.6)
"""Points of the casing and of the line."""


def contour(axis: Axes, mask: Tensor, threshold: float, pen: Pen) -> None:
    """Draw where a mask (H, W) crosses the threshold, between pixels; nothing if it never reaches it."""
    values = np.pad(np.nan_to_num(mask.detach().float().cpu().numpy()), 1, constant_values=-1.0)
    if values.max() < threshold:
        return
    limits = axis.get_xlim(), axis.get_ylim()
    y, x = (np.arange(-1, length - 1) for length in values.shape)
    for color, width, style in (("black", WIDTHS[0], "-"), (pen.color, WIDTHS[1], pen.style)):
        axis.contour(x, y, values, [threshold - TIE], colors=color, linewidths=width, linestyles=style)
    axis.set(xlim=limits[0], ylim=limits[1])


def pen_key(figure: Figure, first: str, second: str) -> None:
    """Say at the right of the top margin what the two pens draw."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import Normal, Stroke

    width, height = figure.get_size_inches()
    casing = [Stroke(linewidth=WIDTHS[0], foreground="black"), Normal()]
    handles = [
        Line2D(
            [], [], color=pen.color, linestyle=pen.style, linewidth=WIDTHS[1], path_effects=casing, label=name
        )
        for pen, name in ((FIRST, first), (SECOND, second))
    ]
    place = (1 - MARGIN / width, 1 - 0.3 / height)
    figure.legend(
        handles=handles, loc="center right", bbox_to_anchor=place, ncols=2, frameon=False, fontsize=NOTE,
        handlelength=3, borderaxespad=0, borderpad=0,
    )  # fmt: skip
