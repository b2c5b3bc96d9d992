"""How a run went: what `FIDOMasks.history` holds, iteration by iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from captum_scd.masks import FIDOMasks
from captum_scd.visualization.lines import LABELS, heading, label, legend, legend_height, line, looks, plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURES = {"score": "Score", "area": "Share of the image", "tv": "Total variation"}


def history_figure(masks: FIDOMasks, title: str = "") -> tuple[Figure, Any]:
    """Draw score, area and total variation of both masks' samples over the iterations of a run.

    The values are those of the samples that were drawn, each of an area of its own, so that they jump from
    one iteration to the next; the finished masks are not among them. Of several images the mean is drawn,
    and as a band its standard error.

    Args:
        masks: with their history.
        title: written above.

    Returns:
        The figure, and its axes as an array (3,): score, area, total variation.

    Raises:
        ValueError: for masks without history.

    >>> names = [f"{mask}_{kind}" for mask in ("ssr", "sdr") for kind in ("score", "area", "tv")]
    >>> cells = torch.rand(2, 1, 4, 4)
    >>> masks = FIDOMasks(cells, cells, (8, 8), history={name: torch.rand(60, 2) for name in names})
    >>> figure, axes = history_figure(masks)
    >>> axes.shape
    (3,)
    """
    wanted = [f"{mask}_{measure}" for measure in MEASURES for mask in ("ssr", "sdr")]
    if not set(wanted) <= set(masks.history):
        raise ValueError(f"Expected masks with history {wanted}, but got {list(masks.history)}.")
    figure, axes = plots(3, LABELS + legend_height(2), 2.4)
    for axis, (measure, name) in zip(axes, MEASURES.items(), strict=True):
        for mask, look in zip(("ssr", "sdr"), looks(), strict=False):
            values = masks.history[f"{mask}_{measure}"].T
            line(axis, range(1, values.shape[1] + 1), values, mask.upper(), look)
        axis.xaxis.get_major_locator().set_params(integer=True)
        label(axis, name, "iteration", "")
    legend(axes[0], "of the samples drawn")
    heading(figure, title, len(masks))
    return figure, axes
