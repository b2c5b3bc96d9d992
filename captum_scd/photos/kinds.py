"""Kinds of photos by the names of their files: those that are read, and what is to be done about others."""

from collections import Counter
from importlib.util import find_spec
from pathlib import PurePath

SUFFIXES_READ = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
"""What counts as a photo in a folder; a file given by itself is read whatever its suffix."""

HEIF = {".heic", ".heif"}
"""What counts where pillow-heif is installed."""

RAW = {".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".rw2"}
"""What cameras write; where it can be opened at all, a thumbnail comes out."""

NO_HEIF = "HEIC needs pillow-heif, pip install captum-scd[heif]"
NO_RAW = "camera raw is not read, save it as JPEG or TIFF first"


def is_photo(name: str) -> bool:
    """Tell whether a file counts as a photo that can be read, by its name."""
    suffix = PurePath(name).suffix.lower()
    return suffix in SUFFIXES_READ or (suffix in HEIF and reads_heif())


def why_unread(name: str) -> str:
    """Say why a photo cannot be read, by its name, and what to do; empty for all else.

    >>> why_unread("IMG_1.CR3")
    'camera raw is not read, save it as JPEG or TIFF first'
    """
    suffix = PurePath(name).suffix.lower()
    return NO_RAW if suffix in RAW else NO_HEIF if suffix in HEIF and not reads_heif() else ""


def reads_heif() -> bool:
    """Tell whether pillow-heif is there."""
    try:
        return find_spec("pillow_heif") is not None
    except ValueError:  # it is kept out of this process
        return False


def left_out(reasons: Counter[str]) -> str:
    """Say how many photos were left out and why, in a clause; empty where none were.

    >>> left_out(Counter({NO_RAW: 2}))
    '2 photos left out: camera raw is not read, save it as JPEG or TIFF first (2)'
    """
    words = "; ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
    total = sum(reasons.values())
    return f"{total} {'photo' if total == 1 else 'photos'} left out: {words}" if total else ""
