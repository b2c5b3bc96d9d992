"""One image's masks, and what they do to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from captum_scd.composites import blend
from captum_scd.masks import FIDOMasks
from captum_scd.visualization.agreement import agreed, agreement_key, outline_agreed
from captum_scd.visualization.alternatives import show_alternatives
from captum_scd.visualization.checks import check_image, check_masks, check_range
from captum_scd.visualization.contours import FIRST, SECOND, contour, pen_key
from captum_scd.visualization.layout import (
    HEADER,
    MARGIN,
    captioned_sheet,
    frame,
    head,
    outline,
    page_width,
    paint,
    panel_width,
    sheet,
    show,
    write_foot,
    write_title,
)
from captum_scd.visualization.pictures import Picture, overlay, to_picture
from captum_scd.visualization.verdicts import GAP, Label, label_of, write_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = {
    "photo": "Photo",
    "ssr": "Smallest sufficient region (SSR)",
    "sdr": "Smallest destroying region (SDR)",
    "joint": "Joint importance",
    "left": "Only the SSR is left",
    "lost": "Only the SDR is taken away",
}
"""Panels of `masks_figure`."""

SHORT_NAMES = {
    "photo": "Photo",
    "left": "The SSR alone",
    "lost": "Without the SDR",
    "taken": "What the SDR takes",
}
"""Panels of `contours_figure`."""

WIDTH = 3.0
"""Inches of a panel of `masks_figure`."""

KEY_ROOM = 3.6
"""Inches that the key to lines takes at the right."""

LEAST_STRIP = 0.3
"""Inches that the key to lines takes below the title."""

FOOT = 0.15
"""Inches that a note takes at the bottom."""

FAINT = 0.15
"""How much of the photo is seen around what is taken away."""


def masks_figure(
    image: Tensor,
    infill: Tensor,
    masks: FIDOMasks,
    probabilities: Mapping[str, float] | None = None,
    title: str = "",
    threshold: float = 0.5,
    note: str = "",
    part: str = "",
) -> tuple[Figure, Any]:
    """Draw one image's masks and what they do: photo, SSR, SDR, joint, SSR alone, SDR taken away.

    White outlines show where the masks are cut, a dashed box what holds all of the joint map that is left.
    The verdict on the masks, where there is one, stands below the title. Where several starts were compared,
    a thick line is around what all of them find sufficient, and a thin broken one around the rest of the SSR.
    Alternatives follow in rows of three: the SSR of each, and what it keeps with those before it covered.

    Args:
        image: (3 or 1, H, W) in [0, 1].
        infill: same shape and range; what replaces missing pixels.
        masks: of this one image.
        probabilities: probability of the target in [0, 1] under `"image"`, `"infill"` (nothing of the image
            left), `"ssr"` (all but the SSR replaced) and `"sdr"` (the SDR replaced), the masks cut at the
            threshold; written under the panels, missing ones are left out.
        title: written above.
        threshold: where the masks are cut, in [0, 1].
        note: written below, small.
        part: of the photo that the image is, such as "middle 57 %"; written above it.

    Returns:
        The figure, and its axes as an array (rows, 3), two rows without alternatives.

    Raises:
        ValueError: for an image, an infill or masks of another shape or range.

    >>> cells = torch.rand(1, 1, 4, 4)
    >>> masks = FIDOMasks(cells, cells, size=(32, 32))
    >>> image = torch.rand(3, 32, 32)
    >>> seen = {"image": 0.98, "infill": 0.01, "ssr": 0.95, "sdr": 0.04}
    >>> figure, axes = masks_figure(image, torch.zeros_like(image), masks, seen, title="wren")
    >>> axes.shape
    (2, 3)
    """
    _check(image, infill, masks, threshold)
    label = _label(masks, page_width(3, WIDTH))
    compared = masks.agreement_cells is not None
    strip = max(label.height, LEAST_STRIP if compared else 0.0)
    rows = 2 + -(-len(masks.alternatives) // 3)
    figure, axes = sheet(
        rows, 3, WIDTH, image.shape[1] / image.shape[2], HEADER + strip, foot=FOOT if note else 0
    )
    panels = panels_of(image, infill, masks, threshold)
    captions = _captions(masks, probabilities or {}, threshold)
    names = {**NAMES, "photo": ", ".join(filter(None, (NAMES["photo"], part)))}
    for axis, (key, name) in zip(axes[:2].flat, names.items(), strict=True):
        show(axis, panels[key], name, captions[key])
    show_alternatives(axes[2:].flat, image, masks.alternatives, threshold)
    for axis, mode in ((axes[0, 1], "ssr"), (axes[0, 2], "sdr"), (axes[1, 0], "joint")):
        if mode == "ssr" and compared:
            outline_agreed(axis, masks, threshold)
        else:
            outline(axis, masks.threshold(threshold, mode)[0, 0])
    frame(axes[1, 0], masks.bounding_box(threshold)[0].tolist())
    head(figure, title, f"0 to 1; outlined: mask cut at {threshold:g}")
    write_label(figure, label, HEADER)
    if compared:
        agreement_key(figure, HEADER + (strip - GAP) / 2)
    if note:
        write_foot(figure, note)
    return figure, axes


def contours_figure(
    image: Tensor,
    infill: Tensor,
    masks: FIDOMasks,
    probabilities: Mapping[str, float] | None = None,
    title: str = "",
    threshold: float = 0.5,
) -> tuple[Figure, Any]:
    """Outline both regions on one photo, beside what remains and what is removed.

    The first panel leaves the photo as it is under the outlines of the SSR (whole line) and the SDR (broken
    line); then follow what the model is shown, only the SSR left and only the SDR taken away, and, for
    the eye alone, what that took. The verdict on the masks, where there is one, stands below the title.

    Args:
        image, infill, masks, probabilities, title, threshold: as for `masks_figure`.

    Returns:
        The figure, and its axes as an array (4,).

    Raises:
        ValueError: for an image, an infill or masks of another shape or range.

    >>> cells = torch.rand(1, 1, 4, 4)
    >>> masks = FIDOMasks(cells, cells, size=(32, 32))
    >>> image = torch.rand(3, 32, 32)
    >>> figure, axes = contours_figure(image, torch.zeros_like(image), masks)
    >>> axes.shape
    (4,)
    """
    _check(image, infill, masks, threshold)
    panels = panels_of(image, infill, masks, threshold)
    captions = _captions(masks, probabilities or {}, threshold)
    texts = [[captions[key]] for key in SHORT_NAMES]
    aspect, count = image.shape[1] / image.shape[2], len(SHORT_NAMES)
    label = _label(masks, page_width(count, panel_width(count)))
    figure, (axes,) = captioned_sheet([*SHORT_NAMES.values()], texts, aspect, HEADER + label.height)
    for axis, key in zip(axes, SHORT_NAMES, strict=True):
        paint(axis, panels[key])
    for axis, mode, pen in ((0, "ssr", FIRST), (0, "sdr", SECOND), (1, "ssr", FIRST), (2, "sdr", SECOND)):
        contour(axes[axis], masks.mask(mode)[0, 0], threshold, pen)
    write_title(figure, title, room=figure.get_size_inches()[0] - KEY_ROOM)
    write_label(figure, label, HEADER)
    pen_key(figure, [(FIRST, "SSR, enough"), (SECOND, "SDR, needed")])
    return figure, axes


def _check(image: Tensor, infill: Tensor, masks: FIDOMasks, threshold: float) -> None:
    check_image("image", image)
    check_image("infill", infill, image)
    check_masks("masks", masks, image)
    check_range("threshold", threshold, 0, 1)


def _label(masks: FIDOMasks, width: float) -> Label:
    """Set the verdict so that a key finds room beside it."""
    return label_of(masks, width - 2 * MARGIN - KEY_ROOM)


def panels_of(image: Tensor, infill: Tensor, masks: FIDOMasks, threshold: float) -> dict[str, Picture]:
    """Paint one image, its masks and what they do to it, by the keys of `NAMES` and `SHORT_NAMES`."""
    ssr, sdr = (masks.threshold(threshold, mode)[0].to(image) for mode in ("ssr", "sdr"))
    return {
        "photo": to_picture(image),
        "ssr": overlay(image, masks.ssr[0]),
        "sdr": overlay(image, masks.sdr[0]),
        "joint": overlay(image, masks.joint[0]),
        "left": to_picture(blend(ssr, image, infill)),
        "lost": to_picture(blend(1 - sdr, image, infill)),
        "taken": to_picture(blend(sdr.clamp(min=FAINT), image, torch.ones_like(image))),
    }


def _captions(masks: FIDOMasks, probabilities: Mapping[str, float], threshold: float) -> dict[str, str]:
    def said(key: str, words: str) -> str:
        return words.format(f"{probabilities[key]:.3f}") if key in probabilities else ""

    areas = {
        mode: f"{masks.threshold(threshold, mode).float().mean().item():.1%} of the image"
        for mode in ("ssr", "sdr", "joint")
    }
    return {
        "photo": " ".join(
            filter(None, (said("image", "probability {}"), said("infill", "(all replaced: {})")))
        ),
        **{mode: f"{area} outlined" for mode, area in areas.items()},
        **_shared(masks, threshold),
        "left": said("ssr", f"probability {{}}, with {areas['ssr']}"),
        "lost": said("sdr", f"probability {{}}, without {areas['sdr']}"),
        "taken": "",
    }


def _shared(masks: FIDOMasks, threshold: float) -> dict[str, str]:
    """Caption of the SSR where several starts were compared."""
    if masks.agreement_cells is None:
        return {}
    cut, shared = masks.threshold(threshold, "ssr").float().mean(), agreed(masks, threshold).float().mean()
    return {"ssr": f"{cut.item():.1%} outlined, {shared.item():.1%} by all starts"}
