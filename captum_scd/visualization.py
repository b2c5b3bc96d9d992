"""Figures of masks. The only file that imports matplotlib, and only when a figure is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from captum_scd.masks import FIDOMasks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

COLORS = "magma"
"""Dark is unimportant, bright is important; even in lightness, so it survives print and colour blindness."""


MODES_DRAWN = ("ssr", "sdr", "joint")


def denormalize(inputs: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Undo a channel-wise normalisation and clip to [0, 1], for display.

    Args:
        inputs: (N, C, H, W) normalised images.
        mean, std: one number per channel.

    Returns:
        (N, C, H, W) in [0, 1].
    """
    shape = (1, -1, 1, 1)
    scale, shift = (torch.as_tensor(values).to(inputs).view(shape) for values in (std, mean))
    return (inputs * scale + shift).clamp(0, 1)


def overlay(image: Tensor, mask: Tensor) -> NDArray[Any]:
    """Paint a mask over a greyed photo.

    Args:
        image: (3 or 1, H, W) in [0, 1].
        mask: (1, H, W) in [0, 1]; NaN counts as 0.

    Returns:
        (H, W, 3) array in [0, 1]: dark grey photo where the mask is 0, bright colour where it is 1.
    """
    import matplotlib as mpl

    grey = _to_picture(image).mean(2, keepdims=True)
    weight = np.nan_to_num(mask.detach().float().cpu().numpy()[0]).clip(0, 1)
    color = mpl.colormaps[COLORS](weight)[..., :3]
    alpha = 0.75 * weight[..., None]
    painted: NDArray[Any] = ((1 - alpha) * 0.6 * grey + alpha * color).clip(0, 1)
    return painted


def masks_figure(
    image: Tensor,
    infill: Tensor,
    masks: FIDOMasks,
    probabilities: Mapping[str, float] | None = None,
    title: str = "",
    threshold: float = 0.5,
) -> tuple[Figure, Any]:
    """Draw one image's masks and what they do: photo, SSR, SDR, joint, SSR alone, SDR taken away.

    White outlines show where the masks are cut, a dashed box what holds all of the joint map that is left.

    Args:
        image: (3 or 1, H, W) in [0, 1].
        infill: same shape and range; what replaces missing pixels.
        masks: of this one image.
        probabilities: probability of the target in [0, 1] under `"image"`, `"infill"` (nothing of the image
            left), `"ssr"` (all but the SSR replaced) and `"sdr"` (the SDR replaced), the masks cut at the
            threshold; written under the panels, missing ones are left out.
        title: written above.
        threshold: where the masks are cut.

    Returns:
        The figure, and its axes as an array (2, 3).
    """
    height, width = image.shape[-2:]
    figure, axes = _grid(2, 3, 3.0, height / width, header=0.6)
    panels = _panels(image, infill, masks, threshold)
    captions = _captions(masks, probabilities or {}, threshold)
    for axis, (name, picture), caption in zip(axes.flat, panels.items(), captions, strict=True):
        _show(axis, picture, name, caption)
    for axis, mode in ((axes[0, 1], "ssr"), (axes[0, 2], "sdr"), (axes[1, 0], "joint")):
        _outline(axis, masks.threshold(threshold, mode)[0, 0])
    _frame(axes[1, 0], masks.bounding_box(threshold)[0].tolist())
    _head(figure, title, f"0 to 1; outlined: mask cut at {threshold:g}")
    return figure, axes


def maps_figure(
    images: Tensor,
    maps: Mapping[str, Tensor],
    regions: Tensor,
    shares: Mapping[str, Tensor],
    labels: Sequence[str] = (),
    title: str = "",
) -> tuple[Figure, Any]:
    """Draw the maps of several methods beside photos on which the decisive detail is known and outlined.

    Every map is drawn by the same rule, its positive part divided by its 99.5th percentile, and clipped to
    [0, 1], so that colours compare places within a map and not values between maps.

    Args:
        images: (N, 3 or 1, H, W) in [0, 1].
        maps: by name, (N, C, H, W); channels are summed, larger is more important.
        regions: (N, 1, H, W) boolean, True on the known detail.
        shares: by name, (N,) share of the map's energy on the detail in [0, 1]; written under the panels.
        labels: one an image, written above it.
        title: written above.

    Returns:
        The figure, and its axes as an array (N, 1 + number of maps).
    """
    height, width = images.shape[-2:]
    figure, axes = _grid(len(images), 1 + len(maps), 2.1, height / width, header=0.6)
    for row, image, region, label in zip(axes, images, regions, labels or [""] * len(images), strict=True):
        _show(row[0], _to_picture(image), label, f"detail: {region.float().mean():.1%} of the image")
        for axis in row:
            _outline(axis, region[0])
    for axis_column, (name, values) in zip(axes.T[1:], maps.items(), strict=True):
        for axis, image, one, share in zip(axis_column, images, values, shares[name], strict=True):
            _show(axis, overlay(image, _scaled(one)), name, f"{share:.1%} of the map on the detail")
    _head(figure, title, "each map on its own scale; outlined: the detail")
    return figure, axes


def _panels(image: Tensor, infill: Tensor, masks: FIDOMasks, threshold: float) -> dict[str, NDArray[Any]]:
    kept, removed = (masks.threshold(threshold, mode)[0].to(image.dtype) for mode in ("ssr", "sdr"))
    return {
        "Photo": _to_picture(image),
        "Smallest sufficient region (SSR)": overlay(image, masks.ssr[0]),
        "Smallest destroying region (SDR)": overlay(image, masks.sdr[0]),
        "Joint importance": overlay(image, masks.joint[0]),
        "Only the SSR is left": _to_picture(kept * image + (1 - kept) * infill),
        "Only the SDR is taken away": _to_picture((1 - removed) * image + removed * infill),
    }


def _captions(masks: FIDOMasks, probabilities: Mapping[str, float], threshold: float) -> list[str]:
    def said(key: str, words: str) -> str:
        return words.format(f"{probabilities[key]:.3f}") if key in probabilities else ""

    ssr, sdr, joint = (
        f"{masks.threshold(threshold, mode).float().mean().item():.1%} of the image" for mode in MODES_DRAWN
    )
    return [
        " ".join(filter(None, (said("image", "probability {}"), said("infill", "(all replaced: {})")))),
        f"{ssr} outlined",
        f"{sdr} outlined",
        f"{joint} outlined",
        said("ssr", f"probability {{}}, with {ssr}"),
        said("sdr", f"probability {{}}, without {sdr}"),
    ]


def _grid(rows: int, columns: int, width: float, aspect: float, header: float) -> tuple[Figure, Any]:
    """Lay out equal panels, with room above each for a name and below it for a caption; in inches."""
    from matplotlib.figure import Figure

    above, below, gap, margin = 0.30, 0.26, 0.16, 0.18
    height = width * min(max(aspect, 0.4), 2.5)
    size = (
        2 * margin + columns * width + (columns - 1) * gap,
        header + rows * (above + height + below) + 0.08,
    )
    figure = Figure(figsize=size, facecolor="white")
    axes = np.empty((rows, columns), dtype=object)
    for row, column in np.ndindex(rows, columns):
        left = margin + column * (width + gap)
        bottom = size[1] - header - row * (above + height + below) - above - height
        box = (left / size[0], bottom / size[1], width / size[0], height / size[1])
        axes[row, column] = figure.add_axes(box)
    return figure, axes


def _show(axis: Axes, picture: NDArray[Any], name: str, caption: str) -> None:
    axis.imshow(picture)
    axis.set_title(name, loc="left", fontsize=10, pad=5, fontweight="bold")
    axis.set_xlabel(caption, loc="left", fontsize=9, labelpad=4, color="0.25")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)


def _outline(axis: Axes, region: Tensor) -> None:
    """Draw the border of a boolean region (H, W) along its pixels, light on dark so that it shows on both."""
    inside = np.pad(region.detach().cpu().numpy().astype(bool), 1)
    lines = [*_edges(inside), *(line[:, ::-1] for line in _edges(inside.T))]
    for color, width in (("black", 1.6), ("white", 0.7)):
        axis.add_collection(_lines(lines, color, width), autolim=False)


def _lines(lines: Sequence[NDArray[Any]], color: str, width: float) -> LineCollection:
    from matplotlib.collections import LineCollection

    return LineCollection(lines, colors=color, linewidths=width, capstyle="projecting")


def _edges(inside: NDArray[Any]) -> list[NDArray[Any]]:
    """Horizontal borders of a padded region, as pairs of points (x, y) in the unpadded image's pixels."""
    y, x = np.nonzero(inside[1:] != inside[:-1])
    return [np.array([[a - 1.5, b - 0.5], [a - 0.5, b - 0.5]]) for a, b in zip(x, y, strict=True)]


def _frame(axis: Axes, box: Sequence[int]) -> None:
    """Draw a box (x0, y0, x1, y1), far edges exclusive; nothing for an empty one."""
    x0, y0, x1, y1 = (value - 0.5 for value in box)
    if box[2] > box[0]:
        axis.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="white", linewidth=0.8, linestyle="--")


def _head(figure: Figure, title: str, note: str) -> None:
    """Write the title at the left, and the key to the colours at the right, of the top margin."""
    width, height = figure.get_size_inches()
    middle = 1 - 0.3 / height
    room = (width - 2.9) / (0.115 * max(1, len(title)))
    size = 13 * min(1.0, max(0.5, room))
    figure.text(0.18 / width, middle, title, fontsize=size, fontweight="bold", va="center")
    bar = figure.add_axes((1 - 1.68 / width, middle, 1.5 / width, 0.11 / height))
    ramp = torch.linspace(0, 1, 128).view(1, 1, -1)
    bar.imshow(overlay(torch.full_like(ramp, 0.5), ramp), aspect="auto", extent=(0, 1, 0, 1))
    bar.set_xticks([])
    bar.set_yticks([])
    bar.spines[:].set_visible(False)
    bar.set_xlabel(note, loc="right", fontsize=8, labelpad=3, color="0.25")


def _scaled(values: Tensor) -> Tensor:
    """(C, H, W) map -> (1, H, W): positive part of its sum, by its 99.5th percentile, in [0, 1]."""
    energy = values.detach().float().cpu().sum(0, keepdim=True).clamp(min=0)
    top = torch.quantile(energy, 0.995)
    return (energy / (top if top > 0 else energy.amax().clamp(min=1e-12))).clamp(0, 1)


def _to_picture(image: Tensor) -> NDArray[Any]:
    """(C, H, W) tensor -> (H, W, 3) array in [0, 1]."""
    pixels = image.detach().float().cpu().clamp(0, 1)
    pixels = pixels.expand(3, -1, -1) if len(pixels) == 1 else pixels[:3]
    picture: NDArray[Any] = pixels.permute(1, 2, 0).numpy()
    return picture
