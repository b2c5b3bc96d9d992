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
    from matplotlib.figure import Figure

COLORS = "magma"
"""Dark is unimportant, bright is important; even in lightness, so it survives print and colour blindness."""


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
    """Draw one image's masks and what they do: photo, SSR, SDR, joint, what is left, what is taken away.

    Args:
        image: (3 or 1, H, W) in [0, 1].
        infill: same shape and range; what replaces missing pixels.
        masks: of this one image.
        probabilities: probability of the target under `"image"`, `"ssr"` and `"sdr"` (the composites cut at
            the threshold) and `"joint"`, written under the panels; missing ones are left out.
        title: written above.
        threshold: where the composites are cut.

    Returns:
        The figure, and its axes as an array (2, 3).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 7.1), layout="constrained")
    axes: Any = figure.subplots(2, 3)
    for axis, (name, picture) in zip(
        axes.flat, _panels(image, infill, masks, threshold).items(), strict=True
    ):
        _show(axis, picture, name)
    _caption(axes, masks, probabilities or {}, threshold)
    figure.suptitle(title)
    return figure, axes


def _panels(image: Tensor, infill: Tensor, masks: FIDOMasks, threshold: float) -> dict[str, NDArray[Any]]:
    kept, removed = (masks.threshold(threshold, mode)[0].to(image.dtype) for mode in ("ssr", "sdr"))
    return {
        "photo": _to_picture(image),
        "smallest sufficient region (SSR)": overlay(image, masks.ssr[0]),
        "smallest destroying region (SDR)": overlay(image, masks.sdr[0]),
        "joint importance": overlay(image, masks.joint[0]),
        "SSR kept: what the network still sees": _to_picture(kept * image + (1 - kept) * infill),
        "SDR removed: what is taken away": _to_picture((1 - removed) * image + removed * infill),
    }


def _caption(axes: Any, masks: FIDOMasks, probabilities: Mapping[str, float], threshold: float) -> None:
    area = {mode: masks.threshold(threshold, mode).float().mean().item() for mode in ("ssr", "sdr", "joint")}
    shown = ["image", "", "", "joint", "ssr", "sdr"]
    areas = [None, area["ssr"], area["sdr"], area["joint"], area["ssr"], area["sdr"]]
    for axis, key, share in zip(axes.flat, shown, areas, strict=True):
        parts = [f"probability {probabilities[key]:.3f}"] if key in probabilities else []
        parts += [f"{share:.1%} of the image"] if share is not None else []
        axis.set_xlabel(", ".join(parts), fontsize=9)


def _show(axis: Axes, picture: NDArray[Any], name: str) -> None:
    axis.imshow(picture, interpolation="nearest")
    axis.set_title(name, fontsize=10)
    axis.set_xticks([])
    axis.set_yticks([])


def _to_picture(image: Tensor) -> NDArray[Any]:
    """(C, H, W) tensor -> (H, W, 3) array in [0, 1]."""
    pixels = image.detach().float().cpu().clamp(0, 1)
    pixels = pixels.expand(3, -1, -1) if len(pixels) == 1 else pixels[:3]
    picture: NDArray[Any] = pixels.permute(1, 2, 0).numpy()
    return picture
