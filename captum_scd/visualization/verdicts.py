"""What is to be thought of a map, at the top of its figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from captum_scd.masks import FIDOMasks
from captum_scd.visualization.layout import MARGIN
from captum_scd.visualization.words import LINE_HEIGHT, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

POINTS = 9.5
"""Size of the words."""

PAD = 0.5
"""Room around the words inside the label, in their size."""


GAP = 0.06
"""Inches below the label."""


class Label(NamedTuple):
    """A line in a frame, broken to fit.

    Attributes:
        text: the line.
        trusted: quiet for a map that can be trusted, loud for the others.
    """

    text: str
    trusted: bool

    @property
    def height(self) -> float:
        """Inches it takes, with the gap below; 0 where there is nothing to say."""
        lines = self.text.count("\n") + 1
        return (lines * LINE_HEIGHT + 2 * PAD) * POINTS / 72 + GAP if self.text else 0.0


def label_of(masks: FIDOMasks, room: float, name: str = "") -> Label:
    """Set the verdict on the masks of one image, of that name, in lines of at most `room` inches."""
    if not masks.verdict:
        return Label("", True)
    (verdict,) = masks.verdict
    line = f"{name}: {verdict.line}" if name else verdict.line
    return Label(wrapped(line, room - 2 * PAD * POINTS / 72, POINTS, "bold"), verdict.trusted)


def write_label(figure: Figure, label: Label, top: float) -> None:
    """Write at the left margin, `top` inches below the edge of the page.

    Dark on light where the map can be trusted, light on dark where it cannot, which shows in grey, too.
    """
    if not label.text:
        return
    width, height = figure.get_size_inches()
    ink, paper = ("#00593F", "#E3F4EC") if label.trusted else ("white", "#B03A00")
    frame = {"boxstyle": f"round,pad={PAD},rounding_size=0.3", "facecolor": paper, "linewidth": 0.8}
    figure.text(
        (MARGIN + PAD * POINTS / 72) / width, 1 - (top + (label.height - GAP) / 2) / height, label.text,
        fontsize=POINTS, fontweight="bold", color=ink, va="center", linespacing=LINE_HEIGHT,
        bbox={**frame, "edgecolor": "#00593F" if label.trusted else "#B03A00"},
    )  # fmt: skip
