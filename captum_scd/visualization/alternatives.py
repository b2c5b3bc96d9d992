"""Further regions that may be enough, each in a panel of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from torch import Tensor

from captum_scd.masks import FIDOMasks
from captum_scd.visualization.layout import outline, show
from captum_scd.visualization.pictures import overlay

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_alternatives(
    axes: Iterable[Axes], image: Tensor, alternatives: Sequence[FIDOMasks], threshold: float
) -> None:
    """Fill a panel with the SSR of each alternative of one image, outlined; panels left over stay empty."""
    for count, (axis, masks) in enumerate(zip_longest(axes, alternatives), start=1):
        if masks is None:
            axis.set_axis_off()
            continue
        show(axis, overlay(image, masks.ssr[0]), f"Alternative SSR {count}", _caption(masks, threshold))
        outline(axis, masks.threshold(threshold, "ssr")[0, 0])


def _caption(masks: FIDOMasks, threshold: float) -> str:
    """Say how large the region is, and how much of the class it keeps."""
    area = f"{masks.threshold(threshold, 'ssr').float().mean().item():.1%} outlined"
    if not masks.verdict:
        return area
    (verdict,) = masks.verdict
    return f"{area}, keeps {verdict.ssr_keeps:.0%} of the class"
