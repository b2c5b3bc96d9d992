"""Why one class and not its look-alike, and the other way round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from captum_scd.composites import blend
from captum_scd.masks import FIDOMasks
from captum_scd.visualization.checks import check_image, check_masks, check_range
from captum_scd.visualization.contours import FIRST, SECOND, contour
from captum_scd.visualization.layout import CAPTION, NAME, head, outline, sheet, show
from captum_scd.visualization.pictures import Picture, overlay, to_picture
from captum_scd.visualization.words import lines_height, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 2.6
"""Inches of a panel."""


class Panel(NamedTuple):
    """A picture with the words above and below it."""

    name: str
    picture: Picture
    caption: str


def contrast_figure(
    image: Tensor,
    infill: Tensor,
    masks_a: FIDOMasks,
    masks_b: FIDOMasks,
    names: tuple[str, str],
    probabilities: Mapping[str, tuple[float, float]] | None = None,
    title: str = "",
    threshold: float = 0.5,
) -> tuple[Figure, Any]:
    """Draw what speaks for class a against b beside what speaks for b against a.

    The columns are the photo, a against b, b against a. Down the last two go the joint map, the image with
    only the SSR left, and with only the SDR taken away; down the first the photo, the outlines of both joint
    maps on it (a whole, b broken), and the infill that stands for missing pixels.

    Args:
        image: (3 or 1, H, W) in [0, 1].
        infill: same shape and range; what replaces missing pixels.
        masks_a: of this one image, learned with target a and contrast target b.
        masks_b: of this one image, learned with target b and contrast target a.
        names: of a and of b.
        probabilities: of a and of b in [0, 1] under `"image"`, `"infill"`, `"ssr_a"` (all but the SSR of
            a against b replaced), `"sdr_a"` (that SDR replaced), `"ssr_b"` and `"sdr_b"`; written under the
            panels, missing ones are left out.
        title: written above.
        threshold: where the masks are cut, in [0, 1].

    Returns:
        The figure, and its axes as an array (3, 3).

    Raises:
        ValueError: for an image, an infill or masks of another shape or range.

    >>> wren, robin = (FIDOMasks(cells, cells, size=(32, 32)) for cells in torch.rand(2, 1, 1, 4, 4))
    >>> image = torch.rand(3, 32, 32)
    >>> figure, axes = contrast_figure(image, torch.zeros_like(image), wren, robin, ("wren", "robin"))
    >>> axes.shape
    (3, 3)
    """
    check_image("image", image)
    check_image("infill", infill, image)
    check_range("threshold", threshold, 0, 1)
    for name, masks in (("masks_a", masks_a), ("masks_b", masks_b)):
        check_masks(name, masks, image)
    said = partial(_said, names, probabilities or {})
    columns = [
        _photos(image, infill, names, said),
        _side(image, infill, masks_a, f"Why {names[0]}, not {names[1]}?", partial(said, "a"), threshold),
        _side(image, infill, masks_b, f"Why {names[1]}, not {names[0]}?", partial(said, "b"), threshold),
    ]
    figure, axes = _drawn(columns, image.shape[1] / image.shape[2])
    for axis, masks, pen in ((axes[0, 1], masks_a, FIRST), (axes[0, 2], masks_b, SECOND)):
        outline(axis, masks.threshold(threshold)[0, 0])
        contour(axes[1, 0], masks.joint[0, 0], threshold, pen)
    head(figure, title, f"0 to 1; outlined: mask cut at {threshold:g}")
    return figure, axes


def _photos(image: Tensor, infill: Tensor, names: tuple[str, str], said: Callable[..., str]) -> list[Panel]:
    return [
        Panel("Photo", to_picture(image), said("", "image")),
        Panel("Both outlined", to_picture(image), f"whole line: {names[0]}; broken: {names[1]}"),
        Panel("All replaced", to_picture(infill), said("", "infill")),
    ]


def _side(
    image: Tensor, infill: Tensor, masks: FIDOMasks, name: str, said: Callable[..., str], threshold: float
) -> list[Panel]:
    ssr, sdr, joint = (masks.threshold(threshold, mode)[0].to(image) for mode in ("ssr", "sdr", "joint"))
    return [
        Panel(name, overlay(image, masks.joint[0]), f"{joint.mean():.1%} of the image outlined"),
        Panel(
            "Only the SSR is left",
            to_picture(blend(ssr, image, infill)),
            said("ssr", f"with {ssr.mean():.1%}"),
        ),
        Panel(
            "Only the SDR is taken away",
            to_picture(blend(1 - sdr, image, infill)),
            said("sdr", f"without {sdr.mean():.1%}"),
        ),
    ]


def _said(
    names: tuple[str, str],
    probabilities: Mapping[str, tuple[float, float]],
    side: str,
    key: str,
    area: str = "",
) -> str:
    """Probabilities of both classes under a key of a side, and with or without which area that is."""
    pair = probabilities.get(f"{key}_{side}" if side else key)
    told = "" if pair is None else ", ".join(f"{n} {p:.3f}" for n, p in zip(names, pair, strict=True))
    return "\n".join(filter(None, (told, f"{area} of the image" if area else "")))


def _drawn(columns: Sequence[Sequence[Panel]], aspect: float) -> tuple[Figure, Any]:
    """Lay out columns of panels, with room for the longest words of any."""
    panels = [
        [
            Panel(wrapped(p.name, WIDTH, NAME, "bold"), p.picture, wrapped(p.caption, WIDTH, CAPTION))
            for p in row
        ]
        for row in zip(*columns, strict=True)
    ]
    every = list(chain.from_iterable(panels))
    above = lines_height((panel.name for panel in every), NAME) + 0.12
    below = lines_height((panel.caption for panel in every), CAPTION) + 0.1
    figure, axes = sheet(len(panels), len(columns), WIDTH, aspect, 0.6, above, below)
    for axis, panel in zip(axes.flat, every, strict=True):
        show(axis, panel.picture, panel.name, panel.caption)
    return figure, axes
