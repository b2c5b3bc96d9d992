"""Sheets of equal panels with room for words, measured in inches so that nothing overlaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from captum_scd.visualization.pictures import Picture, overlay
from captum_scd.visualization.words import lines_height, text_width, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

MARGIN, GAP = 0.18, 0.16
"""Inches left and right of all panels, and between two columns."""

HEADER = 0.6
"""Inches at the top, for title and key."""

TITLE, NAME, CAPTION, NOTE = 13.0, 10.0, 9.0, 8.0
"""Points of the title, of the words above and below a panel of full size, and of the key."""

INK = "0.25"
"""Grey of captions and notes."""

KEY = 1.5
"""Inches of the key to the colours."""

FULL_WIDTH, LEAST_WIDTH, PAGE = 2.1, 1.15, 10.0
"""Inches of a panel in a sheet of few columns, in one of many, and what all share in between."""


def sheet(
    rows: int,
    columns: int,
    width: float,
    aspect: float,
    header: float = HEADER,
    above: float = 0.30,
    below: float = 0.26,
    foot: float = 0.0,
) -> tuple[Figure, Any]:
    """Lay out equal panels.

    Args:
        rows, columns: number of panels.
        width: of a panel, in inches.
        aspect: height by width of a panel; beyond 0.4 and 2.5 the picture leaves room in it.
        header: inches at the top.
        above, below: inches of room above and below each panel.
        foot: inches at the bottom.

    Returns:
        The figure, and its axes as an array (rows, columns).
    """
    from captum_scd.visualization.shown import ShownFigure

    height = width * min(max(aspect, 0.4), 2.5)
    size = (page_width(columns, width), header + rows * (above + height + below) + 0.08 + foot)
    figure = ShownFigure(figsize=size, facecolor="white")
    axes = np.empty((rows, columns), dtype=object)
    for row, column in np.ndindex(rows, columns):
        left = MARGIN + column * (width + GAP)
        bottom = size[1] - header - row * (above + height + below) - above - height
        box = (left / size[0], bottom / size[1], width / size[0], height / size[1])
        axes[row, column] = figure.add_axes(box)
    return figure, axes


def panel_width(columns: int) -> float:
    """Inches of a panel in a sheet of so many columns with names and texts."""
    return min(FULL_WIDTH, max(LEAST_WIDTH, PAGE / columns - GAP))


def page_width(columns: int, width: float) -> float:
    """Inches of a sheet of so many columns of panels of a width."""
    return 2 * MARGIN + columns * width + (columns - 1) * GAP


def captioned_sheet(
    names: Sequence[str], texts: Sequence[Sequence[str]], aspect: float, header: float = HEADER
) -> tuple[Figure, Any]:
    """Lay out panels with a name over each column and a text under each panel, wrapped to fit.

    The more columns, the smaller are the panels, and the words with them.

    Args:
        names: one a column.
        texts: for each column, one per row.
        aspect: height by width of a panel.
        header: inches at the top.

    Returns:
        The figure, and its axes as an array (rows, columns).
    """
    width = panel_width(len(names))
    scale = 0.4 + 0.6 * width / FULL_WIDTH
    heads = [wrapped(name, width, NAME * scale, "bold") for name in names]
    under = [[wrapped(text, width, CAPTION * scale) for text in column] for column in texts]
    above = lines_height(heads, NAME * scale)
    below = lines_height(chain.from_iterable(under), CAPTION * scale)
    figure, axes = sheet(len(texts[0]), len(names), width, aspect, header + above, 0.05, below + 0.1)
    for axis, name in zip(axes[0], heads, strict=True):
        write_name(axis, name, scale)
    for axis, text in zip(axes.T.flat, chain.from_iterable(under), strict=True):
        write_caption(axis, text, scale)
    return figure, axes


def show(axis: Axes, picture: Picture, name: str, caption: str) -> None:
    """Fill a panel: a picture, its name above, a caption below."""
    paint(axis, picture)
    write_name(axis, name)
    write_caption(axis, caption)


def paint(axis: Axes, picture: Picture) -> None:
    """Fill a panel with a picture."""
    axis.imshow(picture)
    bare(axis)


def bare(axis: Axes) -> None:
    """Take ticks and frame away."""
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)


def write_name(axis: Axes, name: str, scale: float = 1.0) -> None:
    """Write above a panel; `scale` is that of the words."""
    axis.set_title(name, loc="left", fontsize=NAME * scale, pad=5 * scale, fontweight="bold")


def write_caption(axis: Axes, caption: str, scale: float = 1.0) -> None:
    """Write below a panel; `scale` is that of the words."""
    axis.set_xlabel(caption, loc="left", fontsize=CAPTION * scale, labelpad=4 * scale, color=INK)


def outline(axis: Axes, region: Tensor) -> None:
    """Draw the border of a boolean region (H, W) along its pixels, light on dark so that it shows on both."""
    inside = np.pad(region.detach().cpu().numpy().astype(bool), 1)
    lines = [*_edges(inside), *(line[:, ::-1] for line in _edges(inside.T))]
    for color, width in (("black", 1.6), ("white", 0.7)):
        axis.add_collection(_lines(lines, color, width), autolim=False)


def frame(axis: Axes, box: Sequence[int]) -> None:
    """Draw a box (x0, y0, x1, y1), far edges exclusive; nothing for an empty one."""
    x0, y0, x1, y1 = (value - 0.5 for value in box)
    if box[2] > box[0]:
        axis.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="white", linewidth=0.8, linestyle="--")


def head(
    figure: Figure,
    title: str,
    note: str,
    ends: tuple[str, str] = ("", ""),
    painted: Callable[[Tensor, Tensor], Picture] = overlay,
) -> None:
    """Write the title at the left, and the key to the colours at the right, of the top margin.

    Args:
        figure: made by `sheet`.
        title: of the figure.
        note: what the colours say.
        ends: what the darkest and the brightest colour stand for.
        painted: the way panels are painted, (image, mask) -> picture.
    """
    width, height = figure.get_size_inches()
    left, right = (text_width(end, NOTE) + 0.05 if end else 0.0 for end in ends)
    write_title(
        figure, title, room=width - 2 * MARGIN - 0.3 - max(KEY + left + right, text_width(note, NOTE))
    )
    place = ((width - MARGIN - right - KEY) / width, 1 - 0.3 / height, KEY / width, 0.11 / height)
    bar = figure.add_axes(place)
    ramp = torch.linspace(0, 1, 128, dtype=torch.float32, device="cpu").view(1, 1, -1)
    bar.imshow(painted(torch.full_like(ramp, 0.5), ramp), aspect="auto", extent=(0, 1, 0, 1))
    bare(bar)
    bar.set_xlabel(note, x=1 + right / KEY, ha="right", fontsize=NOTE, labelpad=3, color=INK)
    for x, word, side in ((-0.05 / KEY, ends[0], "right"), (1 + 0.05 / KEY, ends[1], "left")):
        bar.text(x, 0.4, word, fontsize=NOTE, ha=side, va="center", color=INK)


def write_title(figure: Figure, title: str, room: float) -> None:
    """Write the title at the left of the top margin, smaller, then in lines, if `room` inches need it."""
    width, height = figure.get_size_inches()
    size = TITLE * max(0.75, min(1.0, room / max(text_width(title, TITLE, "bold"), 0.01)))
    lines = wrapped(title, max(room, 1.0), size + 0.01, "bold")
    figure.text(MARGIN / width, 1 - 0.3 / height, lines, fontsize=size, fontweight="bold", va="center")


def write_note(figure: Figure, note: str) -> None:
    """Write small at the right of the top margin."""
    width, height = figure.get_size_inches()
    figure.text(1 - MARGIN / width, 1 - 0.3 / height, note, fontsize=NOTE, ha="right", va="center", color=INK)


def write_foot(figure: Figure, note: str) -> None:
    """Write small at the left of the bottom margin."""
    width, height = figure.get_size_inches()
    figure.text(MARGIN / width, 0.1 / height, note, fontsize=NOTE, va="bottom", color=INK)


def _lines(lines: Sequence[Picture], color: str, width: float) -> LineCollection:
    from matplotlib.collections import LineCollection

    return LineCollection(lines, colors=color, linewidths=width, capstyle="projecting")


def _edges(inside: Picture) -> list[Picture]:
    """Horizontal borders of a padded region, as pairs of points (x, y) in the unpadded image's pixels."""
    y, x = np.nonzero(inside[1:] != inside[:-1])
    return [np.array([[a - 1.5, b - 0.5], [a - 0.5, b - 0.5]]) for a, b in zip(x, y, strict=True)]
