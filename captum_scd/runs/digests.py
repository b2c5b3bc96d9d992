"""Hashes of files, by which a photo is known again."""

import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any

BLOCK = 1 << 20
"""Bytes that are read at a time."""


def digest_of(place: Path | str) -> str:
    """Hash the contents of a file, with SHA-256.

    Args:
        place: path, or a string that fsspec knows as a path or URL.

    Raises:
        OSError: if it cannot be read, or is no regular file.
    """
    if isinstance(place, Path) and not place.is_file():
        raise FileNotFoundError(f"Expected a file, but {str(place)!r} is none.")
    with _opened(place) as file:
        found = hashlib.sha256()
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()


def _opened(place: Path | str) -> Any:
    return place.open("rb") if isinstance(place, Path) else import_module("fsspec").open(place, "rb")
