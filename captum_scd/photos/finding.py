"""Finding photos below folders and URLs, as many as there are, without holding a list of them."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from captum_scd._errors import UsageError, one_line
from captum_scd.provenance import is_figure

SUFFIXES_READ = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
"""What counts as a photo in a folder; a file given by itself is read whatever its suffix."""


@dataclass(frozen=True)
class Found:
    """A photo that was found.

    Attributes:
        place: path of the file, or its URL.
        name: its path relative to the folder that was given, with `/` between the parts.
    """

    place: Path | str
    name: str


def below(place: Path | str) -> Iterator[Found]:
    """Find the photos at a path or a URL: a file by itself, or a folder with all below it.

    Folders are gone through in the order of their names, one held at a time. Hidden files and folders,
    figures that this package drew, and folders behind symbolic links are passed over.

    Raises:
        UsageError: if there is nothing there.
    """
    return _below_path(place) if isinstance(place, Path) else _below_url(place)


def _below_path(place: Path) -> Iterator[Found]:
    if not place.exists():
        raise UsageError(f"Expected an image or a folder of images, but there is no {str(place)!r}.")
    if not place.is_dir():
        yield Found(place, place.name)
        return
    for name in _names(_real_folders, str(place)):
        path = Path(place, name)
        if path.is_file() and not is_figure(path):
            yield Found(path, name)


def _below_url(url: str) -> Iterator[Found]:
    try:
        files, root = import_module("fsspec").core.url_to_fs(url)
        alone, there = files.isfile(root), files.exists(root)
    except Exception as error:
        raise UsageError(f"Expected a URL of images, but {url!r} raised {one_line(error)}.") from error
    if alone:
        yield Found(url, PurePosixPath(root).name)
    elif there:
        yield from (Found(f"{url.rstrip('/')}/{name}", name) for name in _names(files.walk, root))
    else:
        raise UsageError(f"Expected an image or a folder of images, but there is no {url!r}.")


def _names(walk: Callable[[str], Any], folder: str) -> Iterator[str]:
    """Yield the relative paths of what is called as photos are below a folder; `walk` is as `os.walk`."""
    _, folders, files = next(iter(walk(folder)), ("", (), ()))
    for name, is_folder in sorted([*((one, True) for one in folders), *((one, False) for one in files)]):
        if name.startswith("."):
            continue
        if is_folder:
            yield from (f"{name}/{rest}" for rest in _names(walk, f"{folder.rstrip('/')}/{name}"))
        elif PurePath(name).suffix.lower() in SUFFIXES_READ:
            yield name


def _real_folders(folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk as `os.walk` does, naming no folders behind links."""
    for place, folders, files in os.walk(folder):
        yield place, [name for name in folders if not os.path.islink(os.path.join(place, name))], files
