"""Reading photos, from files and from behind URLs."""

import stat
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

from captum_scd._errors import ImageError, one_line
from captum_scd.photos.depth import check_colours, is_deep, said_white, shallow
from captum_scd.photos.kinds import NO_HEIF, reads_heif, why_unread

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "JPEG2000", "AVIF")
"""What Pillow may take a file for, whatever its name; others, such as EPS, would start other programs."""

HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What stands in the first bytes of HEIC files."""

MOST_PIXELS = 120_000_000
"""Of a photo; more take gigabytes of memory. Cameras have up to about 100 million."""


def read(place: Path | str) -> Image.Image:
    """Read a photo upright and as 8-bit RGB.

    The EXIF orientation is applied, 16-bit greys are scaled to 8 bits by their depth, transparent parts
    become white, and of several frames the first is taken.

    Args:
        place: path of a file, or a string that fsspec knows as a path or URL.

    Raises:
        ImageError: if the file is missing, damaged, cut short, of a kind that is not understood, or too
            large.
    """
    reason = why_unread(str(place))
    if reason:
        raise ImageError(reason)
    try:
        if isinstance(place, Path):
            _check_file(place)
            with place.open("rb") as file:
                return _upright(file)
        with import_module("fsspec").open(place, "rb") as file:
            return _upright(file)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"it cannot be read ({one_line(error)})") from error


def _check_file(path: Path) -> None:
    """Raise for what is no file, before it is opened: reading a pipe would wait for ever."""
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        raise ImageError("it is a folder, and cannot be searched")
    if not stat.S_ISREG(kind):
        raise ImageError("it is no file, but a device or a pipe")


def _upright(file: BinaryIO) -> Image.Image:
    with _opened(file) as image:
        _check_size(image)
        deep, white = is_deep(image), said_white(image)
        image.load()
        if deep:
            check_colours(image)
        return _rgb(ImageOps.exif_transpose(image), white)


def _opened(file: BinaryIO) -> Image.Image:
    """Open a file by what is in it."""
    start = file.read(12)
    file.seek(0)
    if start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS:
        if not reads_heif():
            raise ImageError(NO_HEIF)
        image: Image.Image = import_module("pillow_heif").HeifImageFile(file)
        return image
    Image.init()
    return Image.open(file, formats=[one for one in FORMATS if one in Image.OPEN])


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ImageError(
            f"it has {width} x {height} pixels, and more than {MOST_PIXELS // 10**6} million are not read; "
            "make it smaller first"
        )


def _rgb(image: Image.Image, white: float | None) -> Image.Image:
    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range; save the image with 8 or 16 bits")
    if image.mode.startswith("I"):
        return shallow(image, white).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
