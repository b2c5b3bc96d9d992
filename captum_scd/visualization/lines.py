"""Lines that can be told apart in print, in grey and by the colour-blind, and the axes they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from captum_scd.visualization.layout import CAPTION, INK, MARGIN, NAME, NOTE, write_note, write_title
from captum_scd.visualization.words import text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Colours of Okabe and Ito (2008) without their yellow, which is too light on white."""

STYLES = ("-", "--", "-.", ":", (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)))
"""Six styles, the last of them long dashes and a dash with two dots: with seven colours 42 pairs."""

PLOT = (3.1, 2.3)
"""Width and height of a plot, in inches."""

LEFT, BETWEEN, HEADER, LABELS = 0.62, 0.6, 0.85, 0.45
"""Inches left of the first plot, between two plots, for the title, and for ticks and label below a plot."""


def looks() -> Iterator[dict[str, Any]]:
    """Colour and line style of one line after the other, as `Axes.plot` takes them, without end."""
    return ({"color": color, "linestyle": style} for color, style in zip(cycle(PALETTE), cycle(STYLES)))


def plots(
    columns: int, below: float, width: float = PLOT[0], left: float = LEFT, right: float = MARGIN
) -> tuple[Figure, Any]:
    """Lay out plots side by side.

    Args:
        columns: number of plots.
        below: inches under them.
        width: of a plot, in inches.
        left, right: inches to the left of the first and to the right of the last.

    Returns:
        The figure, and its axes as an array (columns,).
    """
    from captum_scd.visualization.shown import ShownFigure

    size = (left + columns * width + (columns - 1) * BETWEEN + right, HEADER + PLOT[1] + below)
    figure = ShownFigure(figsize=size, facecolor="white")
    axes = np.empty(columns, dtype=object)
    for column in range(columns):
        start = left + column * (width + BETWEEN)
        box = (start / size[0], below / size[1], width / size[0], PLOT[1] / size[1])
        axes[column] = figure.add_axes(box)
    return figure, axes


def label(axis: Axes, name: str, x: str, y: str) -> None:
    """Name a plot and its axes, and leave no more of the frame than reading needs."""
    axis.set_title(name, loc="left", fontsize=NAME, fontweight="bold")
    axis.set_xlabel(x, fontsize=CAPTION, color=INK)
    axis.set_ylabel(y, fontsize=CAPTION, color=INK)
    axis.tick_params(labelsize=NOTE, colors=INK, length=3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(INK)
    axis.grid(color="0.92", linewidth=0.6)
    axis.set_axisbelow(True)


def line(axis: Axes, x: Any, values: Tensor, name: str, look: dict[str, Any], marker: str = "") -> None:
    """Draw the mean over examples, and the standard error of the mean as a band where there are several.

    Args:
        axis: to draw into.
        x: (L,) places.
        values: (N, L); NaN is left out of the mean, a place without values is a gap.
        name: for the legend.
        look: see `looks`.
        marker: of each place, none by default.
    """
    mean, error = mean_and_error(values)
    axis.plot(x, mean, label=name, linewidth=1.6, marker=marker, markersize=3.5, **look)
    if len(values) > 1:
        axis.fill_between(x, mean - error, mean + error, color=look["color"], alpha=0.15, linewidth=0)


def mean_and_error(values: Tensor) -> tuple[Any, Any]:
    """Mean of the finite values (N, L) over N, and its standard error, as arrays (L,); NaN where none is.

    >>> mean_and_error(torch.tensor([[1.0, 2.0], [3.0, float("nan")]]))
    (array([2., 2.]), array([1., 0.]))
    """
    array = np.ma.masked_invalid(values.detach().cpu().double().numpy())
    count = np.maximum(array.count(0), 1)
    mean = array.mean(0)
    squares = ((array - mean) ** 2).sum(0)
    error = np.sqrt(squares / np.maximum(count - 1, 1) / count)
    return np.ma.filled(mean, np.nan), np.ma.filled(error, np.nan)


def legend(axis: Axes, title: str, beside: bool = False) -> None:
    """Name the lines under a plot and its labels, or beside it; the title says what the numbers are."""
    place = (1.04, 1.0) if beside else (0.0, -LABELS / PLOT[1])
    box = axis.legend(
        title=title,
        loc="upper left",
        bbox_to_anchor=place,
        borderaxespad=0.0,
        alignment="left",
        fontsize=NOTE,
        title_fontsize=NOTE,
        handlelength=2.8,
        frameon=False,
    )
    box.get_title().set_color(INK)


def legend_height(lines: int) -> float:
    """Inches that a legend of so many lines takes."""
    return (lines + 1) * NOTE * 1.6 / 72 + 0.1


def heading(figure: Figure, title: str, count: int) -> None:
    """Write the title, and what the bands are where lines are means of several images."""
    note = f"mean of {count} images; band: standard error" if count > 1 else ""
    room = figure.get_size_inches()[0] - 2 * MARGIN - 0.3 - text_width(note, NOTE)
    write_title(figure, title, room)
    write_note(figure, note)
