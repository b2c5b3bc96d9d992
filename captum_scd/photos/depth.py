"""Images of more than 8 bits: how many of them are used, and what is left in 8."""

import warnings

import numpy as np
from PIL import Image

from captum_scd._errors import ImageError

DEPTHS = (8, 10, 12, 14)
"""Bits of data that cameras and microscopes write into 16."""

MAX_SAMPLE_VALUE = 281
"""TIFF tag: the largest value that may occur."""


def shallow(image: Image.Image, said: float | None) -> Image.Image:
    """Scale 16-bit greys to 8 bits.

    White is what the file says it is, unless the image goes beyond it, else the largest value of 8, 10, 12,
    14 or 16 bits, the fewest that hold the image; where that is not 16, a warning says so.
    """
    deep = np.asarray(image).astype(np.float64).clip(0, 65535)
    white = said if said and deep.max() <= said <= 65535 else _guessed(deep.max())
    return Image.fromarray((deep * 255 / white).round().astype(np.uint8))


def said_white(image: Image.Image) -> float | None:
    """What a TIFF file says white is, None where it does not."""
    said = getattr(image, "tag_v2", {}).get(MAX_SAMPLE_VALUE)
    return max(said) if isinstance(said, tuple) else said


def is_deep(image: Image.Image) -> bool:
    """Tell whether an image that is not loaded yet has colours of 16 bits, of which the upper 8 are read."""
    return image.mode.startswith("RGB") and any(";16" in str(tile) for tile in getattr(image, "tile", ()))


def check_colours(image: Image.Image) -> None:
    """Raise where the upper bits of deep colours hold hardly anything.

    Raises:
        ImageError: if the image would come out nearly black.
    """
    brightest = max(high for _, high in image.convert("RGB").getextrema())  # type: ignore[misc]
    if 0 < brightest < 2 ** (DEPTHS[-1] - 8):
        raise ImageError(
            f"its 16-bit colours use the lower {8 + int(brightest).bit_length()} bits only; "
            "scale them to all 16, or save it with 8"
        )


def _guessed(largest: float) -> float:
    bits = next((bits for bits in DEPTHS if 0 < largest < 2**bits), 16)
    if bits < 16:
        warnings.warn(
            f"A 16-bit image has no value above {largest:.0f}: it is taken for one of {bits} bits.",
            stacklevel=2,
        )
    return float(2**bits - 1)
