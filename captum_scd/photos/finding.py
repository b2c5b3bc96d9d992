"""Finding photos below folders and URLs, as many as there are, without holding a list of them."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from captum_scd._errors import UsageError, one_line
from captum_scd.photos.figures import is_figure
from captum_scd.photos.kinds import is_photo, why_unread


@dataclass(frozen=True)
class Found:
    """A photo that was found, or a folder that cannot be searched.

    Attributes:
        place: path of the file, or its URL; reading a folder fails.
        name: its path relative to the folder that was given, with `/` between the parts.
    """

    place: Path | str
    name: str


def below(place: Path | str, unread: Counter[str] | None = None) -> Iterator[Found]:
    """Find the photos at a path or a URL: a file by itself, or a folder with all below it.

    Folders are gone through in the order of their names, one held at a time. Hidden files and folders,
    figures that this package drew, and folders behind symbolic links are passed over. A folder that cannot be
    searched is found itself, so that it is not missed: it cannot be read.

    Args:
        place: where to look.
        unread: counts photos of kinds that cannot be read, by what is to be done about them.

    Raises:
        UsageError: if there is nothing there.
    """
    unread = Counter() if unread is None else unread
    return _below_path(place, unread) if isinstance(place, Path) else _below_url(place, unread)


def _below_path(place: Path, unread: Counter[str]) -> Iterator[Found]:
    if not os.path.exists(place):
        raise UsageError(f"Expected an image or a folder of images, but there is no {str(place)!r}.")
    if not place.is_dir():
        yield Found(place, place.name)
        return
    for name in _names(_real_folders, str(place), unread):
        path = Path(place, name)
        if _to_read(path):
            yield Found(path, name or place.resolve().name)


def _to_read(path: Path) -> bool:
    """Tell whether there is a file or a folder, not drawn by us, or one that is kept from us."""
    try:
        return (path.is_file() and not is_figure(path)) or path.is_dir()
    except PermissionError:
        return True


def _below_url(url: str, unread: Counter[str]) -> Iterator[Found]:
    try:
        files, root = import_module("fsspec").core.url_to_fs(url)
        alone, there = files.isfile(root), files.exists(root)
    except Exception as error:
        raise UsageError(f"Expected a URL of images, but {url!r} raised {one_line(error)}.") from error
    if alone:
        yield Found(url, PurePosixPath(root).name)
    elif there:
        yield from (Found(f"{url.rstrip('/')}/{name}", name) for name in _names(files.walk, root, unread))
    else:
        raise UsageError(f"Expected an image or a folder of images, but there is no {url!r}.")


def _names(walk: Callable[[str], Any], folder: str, unread: Counter[str]) -> Iterator[str]:
    """Yield the relative paths of what is called as photos are below a folder; `walk` is as `os.walk`.

    The path of a folder that cannot be searched is its own.
    """
    try:
        _, folders, files = next(iter(walk(folder)), ("", (), ()))
    except PermissionError:
        yield ""
        return
    for name, is_folder in sorted([*((one, True) for one in folders), *((one, False) for one in files)]):
        if name.startswith("."):
            continue
        if is_folder:
            inside = _names(walk, f"{folder.rstrip('/')}/{name}", unread)
            yield from (f"{name}/{rest}".rstrip("/") for rest in inside)
        elif is_photo(name):
            yield name
        elif reason := why_unread(name):
            unread[reason] += 1


def _real_folders(folder: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk as `os.walk` does, naming no folders behind links."""
    for place, folders, files in os.walk(folder, onerror=_raised):
        yield place, [name for name in folders if not os.path.islink(os.path.join(place, name))], files


def _raised(error: OSError) -> NoReturn:
    raise error
