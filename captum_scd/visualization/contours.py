"""Regions as lines on a photo, which leave what is inside to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from torch import Tensor

from captum_scd.visualization.layout import MARGIN, NOTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WIDTHS = (2.8, 1.6)
"""Points of the casing and of the line."""


class Pen(NamedTuple):
    """A colour and a line style, and the points of the casing and of the line."""

    color: str
    style: Literal["-", "--"]
    widths: tuple[float, float] = WIDTHS


FIRST, SECOND = Pen("#56B4E9", "-"), Pen("#E69F00", "--")
"""Sky blue, whole, and orange, broken: told apart in grey by the style, on any photo by a dark casing."""

TIE = 1e-6
"""How far below the threshold a contour runs, so that it goes around what only just reaches it."""


def contour(axis: Axes, mask: Tensor, threshold: float, pen: Pen) -> None:
    """Draw where a mask (H, W) crosses the threshold, between pixels; nothing if it never reaches it."""
    values = np.pad(np.nan_to_num(mask.detach().float().cpu().numpy()), 1, constant_values=-1.0)
    if values.max() < threshold:
        return
    limits = axis.get_xlim(), axis.get_ylim()
    y, x = (np.arange(-1, length - 1) for length in values.shape)
    for color, width, style in (("black", pen.widths[0], "-"), (pen.color, pen.widths[1], pen.style)):
        axis.contour(x, y, values, [threshold - TIE], colors=color, linewidths=width, linestyles=style)
    axis.set(xlim=limits[0], ylim=limits[1])


def pen_key(figure: Figure, pens: Sequence[tuple[Pen, str]], top: float = 0.3) -> None:
    """Say at the right what pens draw, `top` inches below the edge of the page."""
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import Normal, Stroke

    width, height = figure.get_size_inches()
    handles = [
        Line2D(
            [], [], color=pen.color, linestyle=pen.style, linewidth=pen.widths[1], label=name,
            path_effects=[Stroke(linewidth=pen.widths[0], foreground="black"), Normal()],
        )
        for pen, name in pens
    ]  # fmt: skip
    place = (1 - MARGIN / width, 1 - top / height)
    figure.legend(
        handles=handles, loc="center right", bbox_to_anchor=place, ncols=len(pens), frameon=False,
        fontsize=NOTE, handlelength=3, borderaxespad=0, borderpad=0,
    )  # fmt: skip
