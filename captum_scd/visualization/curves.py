"""Curves of several methods: what the model says as pixels come and go, or as its layers are randomised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from captum_scd.visualization.checks import check_range
from captum_scd.visualization.layout import MARGIN, NOTE
from captum_scd.visualization.lines import (
    LABELS,
    LEFT,
    PLOT,
    heading,
    label,
    legend,
    legend_height,
    line,
    looks,
    mean_and_error,
    plots,
)
from captum_scd.visualization.words import text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TICK, LEGEND = 0.2, 1.2
"""Inches for the name of each layer under the plot, and for what a legend beside it has before a name."""

SLANT = 0.72
"""Height and width of a line of text at 45 degrees, as a share of its length."""


def curves_figure(
    shares: Tensor, insertion: Mapping[str, Tensor], deletion: Mapping[str, Tensor], title: str = ""
) -> tuple[Figure, Any]:
    """Draw insertion and deletion curves, with the area under each in the legend, best first.

    Lines are means over the images; the band around each is the standard error of the mean.

    Args:
        shares: (steps + 1,) shares of the image inserted or deleted, rising in [0, 1].
        insertion: by method, (N, steps + 1) relative probability in [0, 1] as pixels enter; see
            `metrics.insertion_deletion`.
        deletion: by the same methods, the same as pixels leave.
        title: written above.

    Returns:
        The figure, and its axes as an array (2,), insertion first.

    Raises:
        ValueError: for curves of other lengths or out of range, or methods that differ.

    >>> shares = torch.linspace(0, 1, 5)
    >>> figure, axes = curves_figure(shares, {"FIDO": shares[None]}, {"FIDO": 1 - shares[None]})
    >>> [text.get_text() for text in axes[0].get_legend().get_texts()]
    ['0.500  FIDO']
    """
    _check_curves(shares, insertion, deletion)
    figure, axes = plots(2, below=LABELS + legend_height(len(insertion)))
    look = dict(zip(insertion, looks(), strict=False))
    x = 100 * shares.detach().cpu().double()
    for axis, curves, larger in ((axes[0], insertion, True), (axes[1], deletion, False)):
        areas = {name: torch.trapezoid(one.cpu().double(), x / 100).mean() for name, one in curves.items()}
        for name in sorted(curves, key=areas.__getitem__, reverse=larger):
            line(axis, x, curves[name], f"{areas[name]:.3f}  {name}", look[name])
        axis.set(xlim=(0, 100), ylim=(0, 1.02))
        legend(axis, f"area, {'larger' if larger else 'smaller'} is better")
    label(axes[0], "Insertion", "% of the image shown", "probability (whole image: 1)")
    label(axes[1], "Deletion", "% of the image taken away", "")
    heading(figure, title, max(map(len, insertion.values())))
    return figure, axes


def randomization_figure(
    layers: Sequence[str], correlations: Mapping[str, Tensor], title: str = ""
) -> tuple[Figure, Axes]:
    """Draw how maps change as layers are randomised from the top (Adebayo et al. 2018, section 3.1).

    A map that shows what the model has learned loses its likeness to the original, the line falls to about
    0; one that stays near 1 would look the same for a model that has learned nothing. The legend has the
    value where all layers are random.

    Args:
        layers: names in the order of randomisation; at each, it and all before it are random.
        correlations: by method, (L,) or (L, N) rank correlation in [-1, 1] of the map with that of the
            trained model; NaN, as for a flat map, is left out.
        title: written above.

    Returns:
        The figure, and its axes.

    Raises:
        ValueError: without layers or methods, or for correlations of another shape or range.

    >>> figure, axis = randomization_figure(["head", "stem"], {"FIDO": torch.tensor([0.4, 0.1])})
    >>> [text.get_text() for text in axis.get_legend().get_texts()]
    ['+0.10  FIDO']
    """
    lines = {name: _by_layer(name, values, len(layers)) for name, values in correlations.items()}
    if not lines or not layers:
        raise ValueError(f"Expected at least one layer and one method, but got {len(layers)}, {len(lines)}.")
    figure, axis = _layer_plot(layers, max(text_width(name, NOTE) for name in lines))
    for (name, values), look in zip(lines.items(), looks(), strict=False):
        line(axis, range(len(layers)), values, f"{_last(values)}  {name}", look, marker="o")
    label(axis, "Rank correlation with the original", "randomised, from the top down to", "")
    axis.axhline(0, color="0.6", linewidth=0.8)
    axis.set_ylim(min(-0.25, axis.get_ylim()[0]), 1.02)
    legend(axis, "with all of them random", beside=True)
    heading(figure, title, max(map(len, lines.values())))
    return figure, axis


def _check_curves(shares: Tensor, insertion: Mapping[str, Tensor], deletion: Mapping[str, Tensor]) -> None:
    if shares.ndim != 1 or len(shares) < 2 or not (shares.diff() > 0).all():
        raise ValueError(f"Expected `shares` to be at least two rising numbers, but got {shares}.")
    check_range("shares", shares, 0, 1)
    if not insertion or set(insertion) != set(deletion):
        raise ValueError(
            "Expected insertion and deletion curves of the same methods, at least one, "
            f"but got {list(insertion)} and {list(deletion)}."
        )
    for name, curves in [*insertion.items(), *deletion.items()]:
        if curves.ndim != 2 or not len(curves) or curves.shape[1] != len(shares):
            raise ValueError(
                f"Expected curves of {name!r} of shape (N, {len(shares)}), but got {tuple(curves.shape)}."
            )
        check_range(f"curves of {name!r}", curves, 0, 1)


def _by_layer(name: str, values: Tensor, count: int) -> Tensor:
    """(L,) or (L, N) correlations -> (N, L)."""
    if values.ndim not in (1, 2) or len(values) != count or not values.numel():
        raise ValueError(
            f"Expected correlations of {name!r} of shape ({count},) or ({count}, N), "
            f"but got {tuple(values.shape)}."
        )
    check_range(f"correlations of {name!r}", values[values.isfinite()], -1, 1)
    return values.reshape(count, -1).T


def _layer_plot(layers: Sequence[str], names: float) -> tuple[Figure, Axes]:
    """Lay out a plot with layers, slanted, under it and room for a legend of `names` inches beside it."""
    width = max(PLOT[0], TICK * len(layers))
    reaches = [SLANT * text_width(name, NOTE) for name in layers]
    beyond = max(reach - i * width / len(layers) for i, reach in enumerate(reaches))
    figure, (axis,) = plots(1, 0.45 + max(reaches), width, max(LEFT, beyond + MARGIN), names + LEGEND)
    axis.set_xticks(range(len(layers)), layers, rotation=45, ha="right", rotation_mode="anchor")
    return figure, axis


def _last(values: Tensor) -> str:
    """Mean over the examples where all layers are random."""
    mean = mean_and_error(values)[0][-1]
    return f"{mean:+.2f}" if np.isfinite(mean) else "none"
