"""What a notebook shows of masks: the maps, the verdicts and the areas."""

from __future__ import annotations

from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image
from torch import Tensor

from captum_scd.tables import html

if TYPE_CHECKING:
    from captum_scd.masks import FIDOMasks

MOST = 8
"""Examples that are shown."""

SIDE, STRIP = 128, 16
"""Pixels of the longer side of a picture, and of the height of one that has a single row."""

HEADER = ("example", "class", "verdict", "SSR", "SDR", "joint", "SSR area", "SDR area")


def shown(masks: FIDOMasks) -> str:
    """Write masks as HTML: a line per example with its maps, bright where important, and what they are worth.

    Volumes are seen from the front, signals, tables and texts are strips.
    """
    rows = [(str(place), *_row(masks[place])) for place in range(min(len(masks), MOST))]
    more = f"<p>and {len(masks) - MOST} more</p>" if len(masks) > MOST else ""
    return f"<p>{escape(repr(masks))}</p>{html(HEADER, rows)}{more}"


def _row(masks: FIDOMasks) -> tuple[str | bytes, ...]:
    target = masks.settings.get("target")
    return (
        str(target[0]) if isinstance(target, list) and target and target[0] is not None else "",
        masks.verdict[0].line if masks.verdict else "",
        *(_picture(masks.mask(mode)[0]) for mode in ("ssr", "sdr", "joint")),
        *(f"{masks.threshold(0.5, mode).float().mean().item():.1%}" for mode in ("ssr", "sdr")),
    )


def _picture(mask: Tensor) -> bytes:
    """Draw a mask of one example in grey, as PNG."""
    values = mask.detach().float().cpu().nan_to_num(0).clamp(0, 1)
    flat = values.flatten(0, -3).mean(0) if values.ndim > 2 else values.reshape(1, -1)
    height, width = flat.shape
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), STRIP if height == 1 else max(1, round(height * scale)))
    drawn = BytesIO()
    grey = Image.fromarray((flat * 255).round().byte().numpy())
    grey.resize(size, Image.Resampling.BOX).save(drawn, "PNG")
    return drawn.getvalue()
