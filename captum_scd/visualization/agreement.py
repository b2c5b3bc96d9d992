"""What several starts agree on, drawn so that it stands apart from what they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from captum_scd.grid import resize
from captum_scd.masks import FIDOMasks
from captum_scd.visualization.contours import Pen, contour, pen_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALL, SOME = Pen("white", "-"), Pen("white", "--", (2.0, 1.0))
"""Around what all starts agree on, a thick and whole line; around the rest, thin and broken."""

ROUND_OFF = 1e-4
"""How far from 1 a share of the starts may be to be all of them."""


def agreed(masks: FIDOMasks, threshold: float) -> Tensor:
    """Find the part of the cut SSR of one image, (H, W) boolean, that all starts outline.

    Each pixel goes by the cells of the SSR that it is nearest to. Shares are not interpolated, which would
    make a rim of doubt around every region.
    """
    region = masks.threshold(threshold, "ssr")[0, 0]
    if masks.agreement_cells is None:
        return region
    cut, shared = masks.ssr_cells >= threshold, masks.agreement_cells >= 1 - ROUND_OFF
    parts = (cut & shared, cut & ~shared)
    by_all, by_some = (resize(part.to(masks.ssr_cells), masks.size)[0, 0] for part in parts)
    return region & (by_all >= by_some)


def outline_agreed(axis: Axes, masks: FIDOMasks, threshold: float) -> None:
    """Draw the border of the cut SSR, and in it that of what all starts agree on."""
    contour(axis, masks.ssr[0, 0], threshold, SOME)
    contour(axis, agreed(masks, threshold).float(), 0.5, ALL)


def agreement_key(figure: Figure, top: float) -> None:
    """Say at the right what the two lines are, `top` inches below the edge of the page."""
    pen_key(figure, [(ALL, "SSR, all starts agree"), (SOME, "SSR, not all")], top)
