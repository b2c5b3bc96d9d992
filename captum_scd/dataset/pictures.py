"""From an image file to what a network gets to see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from captum_scd._errors import ImageError, one_line

MOST_DETAIL = 4
"""Times the network's resolution; boxes are about a quarter of an image or larger, so that more is lost on
them."""


@dataclass(frozen=True)
class View:
    """The part of a photo the network gets to see.

    Attributes:
        pixels: (1, 3, size, size) RGB in [0, 1].
        photo: width and height of the photo in pixels, upright.
        crop: the part that was taken, left, top, right, bottom in pixels of the upright photo.
    """

    pixels: Tensor
    photo: tuple[int, int]
    crop: tuple[float, float, float, float]

    def on_photo(self, box: Sequence[int]) -> list[float]:
        """Carry a box (x0, y0, x1, y1) from the view's pixels over to the photo's."""
        left, top, right, _ = self.crop
        scale = (right - left) / self.pixels.shape[-1]
        return [round(start + scale * value, 2) for start, value in zip((left, top) * 2, box, strict=True)]

    def from_photo(self, box: Sequence[float], width: int) -> list[float]:
        """Carry a box from the photo's pixels over to those of the same view, `width` pixels wide."""
        left, top, right, _ = self.crop
        scale = width / (right - left)
        return [scale * (value - start) for start, value in zip((left, top) * 2, box, strict=True)]


def read(path: Path | BinaryIO) -> Image.Image:
    """Read an image upright and as 8-bit RGB.

    The EXIF orientation is applied, 16-bit greys are scaled to 8 bits, transparent parts become white, and
    of several frames the first is taken.

    Args:
        path: of a file, or a file that is open to read bytes.

    Raises:
        ImageError: if the file is missing, damaged, cut short or of a kind that is not understood.
    """
    try:
        with Image.open(path) as file:
            file.load()
            return _rgb(ImageOps.exif_transpose(file))
    except Exception as error:
        raise ImageError(f"it cannot be read ({one_line(error)})") from error


@dataclass(frozen=True)
class Preparation:
    """How a photo becomes what the network sees: the shorter side is resized, the middle square cut out.

    Attributes:
        size: height and width of the square in pixels.
        resize: length in pixels that the shorter side is resized to, antialiased; at least `size`.
    """

    size: int
    resize: int

    def __call__(self, image: Image.Image) -> View:
        """Cut the middle square out of a photo; resizing and cutting are one resampling."""
        return self._cut(image, self.size)

    def detail(self, image: Image.Image) -> View:
        """Cut the same square at the photo's own resolution, from `size` up to `MOST_DETAIL` times it."""
        side = round(min(image.size) * self.size / self.resize)
        return self._cut(image, min(max(side, self.size), MOST_DETAIL * self.size))

    def _cut(self, image: Image.Image, size: int) -> View:
        width, height = image.size
        side = min(width, height) * self.size / self.resize
        left, top = (width - side) / 2, (height - side) / 2
        crop = (left, top, left + side, top + side)
        square = image.resize((size, size), Image.Resampling.BILINEAR, box=crop)
        pixels = torch.from_numpy(np.array(square)).permute(2, 0, 1)[None].float() / 255
        return View(pixels.contiguous(), (width, height), crop)


@dataclass(frozen=True)
class Normalization:
    """Channel-wise mean and standard deviation that the network expects of its inputs.

    Attributes:
        mean, std: three numbers each, for RGB in [0, 1].
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, pixels: Tensor) -> Tensor:
        """RGB (N, 3, H, W) in [0, 1] -> normalised, same shape."""
        mean, std = (pixels.new_tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (pixels - mean) / std


@dataclass(frozen=True)
class Reading:
    """An image file that is read when it is called for: what a network takes of it, (3, size, size).

    Attributes:
        place: path or URL of the file.
        prepare: how it is cut.
        normalize: how it is scaled.
    """

    place: Path | str
    prepare: Preparation
    normalize: Normalization

    def __call__(self) -> Tensor:
        """Read it.

        Raises:
            ImageError: if that fails.
        """
        if isinstance(self.place, Path):
            return self._read(self.place)
        with opened(self.place) as file:
            return self._read(file)

    def of(self, place: Path | str) -> "Reading":
        """Read another file in the same way."""
        return replace(self, place=place)

    def _read(self, file: Path | BinaryIO) -> Tensor:
        return self.normalize(self.prepare(read(file)).pixels)[0]


def opened(place: str) -> Any:
    """Open a path or a URL to read bytes.

    Raises:
        ImageError: if that fails.
    """
    try:
        return import_module("fsspec").open(place, "rb").open()
    except Exception as error:
        raise ImageError(f"it cannot be read ({one_line(error)})") from error


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
