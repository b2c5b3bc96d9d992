"""Reading photos, from files and from behind URLs."""

from importlib import import_module
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from captum_scd._errors import ImageError, one_line


def read(place: Path | str) -> Image.Image:
    """Read a photo upright and as 8-bit RGB.

    The EXIF orientation is applied, 16-bit greys are scaled to 8 bits, transparent parts become white, and
    of several frames the first is taken.

    Args:
        place: path of a file, or a string that fsspec knows as a path or URL.

    Raises:
        ImageError: if the file is missing, damaged, cut short or of a kind that is not understood.
    """
    try:
        if isinstance(place, Path):
            return _upright(place)
        with import_module("fsspec").open(place, "rb") as file:
            return _upright(file)
    except Exception as error:
        raise ImageError(f"it cannot be read ({one_line(error)})") from error


def _upright(file: Path | BinaryIO) -> Image.Image:
    with Image.open(file) as image:
        image.load()
        return _rgb(ImageOps.exif_transpose(image))


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range; save the image with 8 or 16 bits")
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.float64).clip(0, 65535)
        return Image.fromarray((deep / 257).round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
