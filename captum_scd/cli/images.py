"""Images below folders and URLs, as many as there are, without holding them or a list of them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath

from captum_scd.cli.classes import Classes
from captum_scd.cli.errors import UsageError, one_line
from captum_scd.cli.photos import is_called_image, is_image
from captum_scd.dataset import Sample
from captum_scd.dataset.pictures import Reading

Found = tuple[Path | str, str]
"""Path or URL of an image, and its name below what was given."""


@dataclass(frozen=True)
class Images:
    """The images below some places, found anew each time they are gone through.

    Attributes:
        places: paths and URLs of images, and of folders with all below them.
        reading: from a place to what the network takes.
        target: class to explain, None for the predicted one.
        labels: the classes that folders are named after, None where they are not.
    """

    places: Sequence[Path | str]
    reading: Reading
    target: int | None
    labels: Classes | None

    def __iter__(self) -> Iterator[Sample]:
        for place in self.places:
            for image, name in _below(place):
                yield self._sample(image, name if len(self.places) == 1 else _distinct(place, name))

    def __len__(self) -> int:
        return sum(1 for place in self.places for _ in _below(place))

    def _sample(self, image: Path | str, key: str) -> Sample:
        label = None
        if self.labels is not None:
            folder = (image.resolve() if isinstance(image, Path) else PurePosixPath(image)).parent.name
            label = self.labels.index("the folder of each image", folder)
        return Sample(key, self.reading.of(image), self.target, label, str(image))


def _below(place: Path | str) -> Iterator[Found]:
    """Images in sorted order, one folder held at a time.

    Raises:
        UsageError: if there is nothing there.
    """
    return _below_path(place) if isinstance(place, Path) else _below_url(place)


def _below_path(place: Path) -> Iterator[Found]:
    if not place.exists():
        raise UsageError(f"Expected an image or a folder of images, but there is no {str(place)!r}.")
    if not place.is_dir():
        yield place.absolute(), place.name
    for folder, below, files in os.walk(place):
        below.sort()
        for path in (Path(folder, name) for name in sorted(files)):
            if is_image(path, place):
                yield path.absolute(), path.relative_to(place).as_posix()


def _below_url(url: str) -> Iterator[Found]:
    try:
        files, root = import_module("fsspec").core.url_to_fs(url)
        alone, there = files.isfile(root), files.exists(root)
    except Exception as error:
        raise UsageError(f"Expected a URL of images, but {url!r} raised {one_line(error)}.") from error
    if alone:
        yield url, PurePosixPath(root).name
        return
    if not there:
        raise UsageError(f"Expected an image or a folder of images, but there is no {url!r}.")
    for folder, below, names in files.walk(root):
        below.sort()
        for path in (PurePosixPath(folder, name).relative_to(root) for name in sorted(names)):
            if is_called_image(path):
                yield f"{url.rstrip('/')}/{path}", path.as_posix()


def _distinct(place: Path | str, name: str) -> str:
    """Put the name of the folder before a key, where several are given; an image by itself keeps its own."""
    folder = place.resolve().name if isinstance(place, Path) else PurePosixPath(place).name
    return name if name == folder else f"{folder}/{name}"
