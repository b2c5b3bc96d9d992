"""From a photo to what a network gets to see: cutting and scaling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from captum_scd.photos.reading import read

MOST_DETAIL = 4
"""Times the network's resolution; boxes are about a quarter of an image or larger, so that more is lost on
them."""


NEARLY_ALL = 0.99
"""Share of a photo from which on nothing is said of what was not looked at."""

ASSUMED = "ImageNet's, assumed"
"""Source of a normalisation that nobody gave."""


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

    @property
    def seen(self) -> float:
        """Share of the photo that the network gets to see, in (0, 1]."""
        left, top, right, bottom = self.crop
        width, height = self.photo
        return (right - left) * (bottom - top) / (width * height)

    @property
    def part(self) -> str:
        """Say which part of the photo that is, such as "middle 57 %"; empty where it is nearly all."""
        return f"middle {self.seen:.0%}".replace("%", " %") if self.seen < NEARLY_ALL else ""

    def record(self) -> dict[str, Any]:
        """Say which part of which photo it is, as summaries do."""
        return {"size": list(self.photo), "crop": list(self.crop), "seen": round(self.seen, 4)}

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
        source: where they are from, in a word or two.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str = field(default="", compare=False)

    @property
    def assumed(self) -> str:
        """Say so where nobody said how the network's inputs are scaled; empty where somebody did."""
        return "ImageNet's mean and deviation are assumed" if ASSUMED in self.source else ""

    def noted(self) -> Iterator[str]:
        """Say what to do about it, where it is assumed."""
        if self.assumed:
            yield f"note: {self.assumed}; --mean and --std give others"

    def record(self) -> dict[str, Any]:
        """Say what was used, and where it is from, as summaries do."""
        return {"mean": list(self.mean), "std": list(self.std), "from": self.source}

    def __call__(self, pixels: Tensor) -> Tensor:
        """RGB (N, 3, H, W) in [0, 1] -> normalised, same shape."""
        mean, std = (pixels.new_tensor(values).view(1, 3, 1, 1) for values in (self.mean, self.std))
        return (pixels - mean) / std


@dataclass(frozen=True)
class PhotoInput:
    """What a network takes of a photo, (3, size, size): read when it is called for.

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
        return self.normalize(self.prepare(read(self.place)).pixels)[0]
