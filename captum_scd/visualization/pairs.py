"""Two images that are alike, and what in each makes it like the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from captum_scd.masks import THRESHOLD
from captum_scd.pairs import Pair
from captum_scd.visualization.checks import check_count, check_images, check_masks
from captum_scd.visualization.contours import FIRST, SECOND, contour, pen_key
from captum_scd.visualization.layout import (
    CAPTION,
    HEADER,
    INK,
    MARGIN,
    captioned_sheet,
    page_width,
    paint,
    panel_width,
    write_title,
)
from captum_scd.visualization.masks import KEY_ROOM, panels_of
from captum_scd.visualization.verdicts import Label, label_of, write_label
from captum_scd.visualization.words import LINE_HEIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = {
    "photo": "Photo",
    "joint": "What counts",
    "left": "The SSR alone",
    "lost": "Without the SDR",
}
"""Panels of a row, as `panels_of` calls them."""

TITLE = "What makes these two alike?"

LONGEST = 26
"""Characters of a name that have room below a photo; of longer ones the middle is left out."""

LINE = LINE_HEIGHT * CAPTION / 72 + 0.1
"""Inches of the line below the title."""


def pair_figure(
    images: Tensor,
    infill: Tensor,
    pair: Pair,
    names: Sequence[str] = ("first", "second"),
    title: str = TITLE,
) -> tuple[Figure, Any]:
    """Draw what makes two images alike, a row for each: outlines, importance, and what the regions do.

    Outlined on the photos are the SSR (whole line), which alone is about as similar to the other photo as all
    of it, and the SDR (broken line), without which the similarity is gone. Below the title stand the
    similarities and the verdict on each image's masks.

    Args:
        images: (2, 3 or 1, H, W) in [0, 1].
        infill: same shape and range; what replaces missing pixels.
        pair: what was learned of them.
        names: of the two, written below the photos.
        title: written above.

    Returns:
        The figure, and its axes as an array (2, 4).

    Raises:
        ValueError: for images, an infill or masks of another shape or range, or other than two names.

    >>> from captum_scd.pairs import explain_pair
    >>> encoder = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()).eval()
    >>> images = torch.rand(2, 3, 8, 8)
    >>> pair = explain_pair(encoder, *images, n_iterations=2, n_restarts=1, mask_size=4)
    >>> figure, axes = pair_figure(images, pair.masks.infill, pair)
    >>> axes.shape
    (2, 4)
    """
    _check(images, infill, pair, names)
    called = [_short(name) for name in names]
    texts = [[_captions(pair, row, called[row])[key] for row in range(2)] for key in COLUMNS]
    labels = _labels(pair, called)
    top = HEADER + LINE + sum(label.height for label in labels)
    figure, axes = captioned_sheet([*COLUMNS.values()], texts, images.shape[2] / images.shape[3], top)
    for row in range(2):
        _draw(axes[row], images[row], infill[row], pair, row)
    width, height = figure.get_size_inches()
    write_title(figure, title, room=width - KEY_ROOM)
    figure.text(MARGIN / width, 1 - HEADER / height, _line(pair), fontsize=CAPTION, color=INK, va="top")
    write_label(figure, labels[0], HEADER + LINE)
    write_label(figure, labels[1], HEADER + LINE + labels[0].height)
    pen_key(figure, [(FIRST, "SSR, enough"), (SECOND, "SDR, needed")])
    return figure, axes


def _check(images: Tensor, infill: Tensor, pair: Pair, names: Sequence[str]) -> None:
    for name, given in (("images", images), ("infill", infill)):
        check_images(name, given)
        check_count(name, given, 2)
    check_count("names", names, 2)
    for row in range(2):
        check_masks("pair", pair.masks[row], images[row])


def _draw(axes: Any, image: Tensor, infill: Tensor, pair: Pair, row: int) -> None:
    """Fill the panels of one image."""
    masks = pair.masks[row]
    panels = panels_of(image, infill, masks, THRESHOLD)
    for axis, key in zip(axes, COLUMNS, strict=True):
        paint(axis, panels[key])
    for place, mode, pen in ((0, "ssr", FIRST), (0, "sdr", SECOND), (2, "ssr", FIRST), (3, "sdr", SECOND)):
        contour(axes[place], masks.mask(mode)[0, 0], THRESHOLD, pen)


def _labels(pair: Pair, names: Sequence[str]) -> list[Label]:
    """Set the verdict on each image's masks; empty where nobody has judged."""
    room = page_width(len(COLUMNS), panel_width(len(COLUMNS))) - 2 * MARGIN
    return [label_of(pair.masks[row], room, names[row]) for row in range(2)]


def _short(name: str) -> str:
    """Leave out the middle of a long name.

    >>> _short("Sooty_Albatross_0014_496189445.jpg")
    'Sooty_Albatr…496189445.jpg'
    """
    half = (LONGEST - 1) // 2
    return name if len(name) <= LONGEST else f"{name[:half]}…{name[half - LONGEST + 1 :]}"


def _line(pair: Pair) -> str:
    """Say how similar the images are, whole and by their regions alone."""
    whole, both = (pair.similarity[name][0].item() for name in ("image", "both"))
    return f"similarity {whole:.3f} of at most 1; between the two SSRs alone {both:.3f}"


def _captions(pair: Pair, row: int, name: str) -> dict[str, str]:
    def said(key: str) -> str:
        return f"{pair.similarity[key][row].item():.3f}"

    areas = {
        mode: f"{pair.masks.threshold(THRESHOLD, mode)[row].float().mean().item():.1%} of the image"
        for mode in ("ssr", "sdr")
    }
    return {
        "photo": f"{name} (all replaced: {said('infill')})",
        "joint": "joint map, bright: important",
        "left": f"similarity {said('ssr')}, with {areas['ssr']}",
        "lost": f"similarity {said('sdr')}, without {areas['sdr']}",
    }
