"""Pictures and maps as short text that a page can hold."""

import base64
import io
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from captum_scd.report.entries import Entry, Map

SIDE = 320
"""Longest side of a picture on the page, in pixels."""

CELLS = 64
"""Longest side of a map on the page; finer ones are averaged."""

PICTURE_ROOM, INFILL_ROOM = 20_000, 6_000
"""Bytes they take at most, so that 1,000 images stay below 40 MB; what does not fit is kept more coarsely."""

SCALES, QUALITIES = (1.0, 0.7, 0.5, 0.35, 0.25), (85, 70, 55)


def pixels(entry: Entry) -> dict[str, Any]:
    """Encode an image and its maps, as JSON can hold it.

    Returns:
        `picture` and `infill` as data URIs, the latter None where there is none; `maps`, each with its name
        and either `of`, names of other maps, or `width`, `height` and `values`, bytes 0 to 255 in base 64.
    """
    return {
        "picture": _picture(entry.picture, PICTURE_ROOM),
        "infill": None if entry.infill is None else _picture(entry.infill, INFILL_ROOM),
        "maps": [{"name": one.name, **_values(one)} for one in entry.maps],
    }


def _picture(image: Tensor, room: int) -> str:
    """(3 or 1, H, W) in [0, 1] -> JPEG as a data URI."""
    levels = _levels(image).expand(3, -1, -1).permute(1, 2, 0).contiguous()
    return f"data:image/jpeg;base64,{_text(_jpeg(Image.fromarray(levels.numpy()), room))}"


def _jpeg(image: Image.Image, room: int) -> bytes:
    """Write the finest of some versions that fits, or the coarsest."""
    largest = min(SIDE, max(image.size))
    for scale in SCALES:
        side = max(1, round(scale * largest))
        drawn = image.copy()
        drawn.thumbnail((side, side), Image.Resampling.LANCZOS)
        for quality in QUALITIES:
            file = io.BytesIO()
            drawn.save(file, "JPEG", quality=quality, optimize=True)
            if file.tell() <= room:
                return file.getvalue()
    return file.getvalue()


def _values(one: Map) -> dict[str, Any]:
    """Say of which maps a map is the mean, or give its size and its bytes row by row."""
    if not isinstance(one.values, Tensor):
        return {"of": list(one.values)}
    levels = _levels(_averaged(one.values))
    height, width = levels.shape
    return {"width": width, "height": height, "values": _text(levels.contiguous().numpy().tobytes())}


def _averaged(values: Tensor) -> Tensor:
    """Average what is finer than `CELLS`, each side by itself."""
    size = tuple(min(side, CELLS) for side in values.shape)
    if size == tuple(values.shape):
        return values
    return F.interpolate(values.detach().float()[None, None], size=size, mode="area")[0, 0]


def _levels(values: Tensor) -> Tensor:
    """[0, 1] -> bytes 0 to 255, on the CPU."""
    return (values.detach().float().cpu() * 255).round().to(torch.uint8)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
