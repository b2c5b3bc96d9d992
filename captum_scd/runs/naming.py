"""Naming what is written about photos, so that no two meet and no photo is written over."""

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath

from captum_scd._errors import UsageError, complain
from captum_scd.photos.finding import Found, below
from captum_scd.photos.kinds import left_out
from captum_scd.runs.digests import digest_of

SUFFIXES = (".png", ".npz", ".json")
"""Of the files about a photo."""


@dataclass(frozen=True)
class Photo:
    """An image file, and the names it may give to what is written about it.

    Attributes:
        path: the file.
        names: from the plainest to the most distinct: the path relative to the given folder without its
            suffix, with it, and with the given folder's own name before it; a hash ends the last one where
            it is another's in upper and lower case.
        mark: ends the name, which tells results from images or from those of another command.
    """

    path: Path
    names: tuple[str, ...]
    mark: str = ""

    @property
    def name(self) -> str:
        """Path of the results, relative to the output folder, without suffix."""
        return self.names[0] + self.mark

    def digest(self) -> str:
        """Hash the file's contents; raises as `digest_of` does."""
        return digest_of(self.path)

    def is_still(self, digest: object) -> bool:
        """Tell whether the file's contents have this hash; not where it cannot be read."""
        try:
            return self.digest() == digest
        except OSError:
            return False


def find(arguments: Sequence[Path | str], out: Path, mark: str = "") -> list[Photo]:
    """Find the images, and name the results so that no two meet and no image is written over.

    Folders are searched as `photos.below` does. Where the results of an image would lie in a folder that
    holds images of this run, `.fido` is put at the end of their names; a `mark` of their own stands there
    always.

    Photos of kinds that cannot be read are counted on standard error.

    Raises:
        UsageError: if a path does not exist or is a URL, no image is found, or names cannot be told apart.
    """
    given, unread = [_here(place) for place in arguments], Counter[str]()
    found = [_photo(one, place) for place in given for one in below(place, unread)]
    if unread:
        complain(left_out(unread))
    photos = {photo.path.resolve(): photo for photo in found}
    _check_some(photos, arguments)
    distinct, folders = _distinct(list(photos.values())), {path.parent for path in photos}
    named = [replace(one, mark=mark) for one in distinct] if mark else _marked(distinct, folders, out)
    for photo in named:
        for suffix in SUFFIXES:
            if (out / (photo.name + suffix)).resolve() in photos:
                raise UsageError(
                    f"Expected an --out apart from the images, but {photo.name + suffix} is one."
                )
    return named


def check_images(places: Sequence[Path | str]) -> None:
    """Look for one image at each path or URL.

    Raises:
        UsageError: if one of them is not there, or none holds an image.
    """
    unread = Counter[str]()
    found = [one for place in places for one in islice(below(place, unread), 1)]
    if unread and not found:
        complain(left_out(unread))
    _check_some(found, places)


def _check_some(found: Collection[object], places: Sequence[Path | str]) -> None:
    if not found:
        given = ", ".join(repr(str(place)) for place in places)
        raise UsageError(f"Expected at least one image, but found none in {given}.")


def _here(place: Path | str) -> Path:
    if isinstance(place, str):
        raise UsageError(
            f"Expected images on this machine, but got {place!r}; only `explain --store` takes URLs."
        )
    return place


def _photo(found: Found, given: Path) -> Photo:
    folder = given if given.is_dir() else given.parent
    relative = Path(found.name)
    whole = Path(folder.resolve().name) / relative
    names = relative.with_suffix("").as_posix(), relative.as_posix(), whole.as_posix()
    return Photo(Path(found.place), names)


def _distinct(photos: list[Photo]) -> list[Photo]:
    """Give photos whose results meet their next, more distinct name, until none meet."""
    while True:
        counts, spelled = (Counter(form(one.name) for one in photos) for form in (_plain, str))
        folders = {_plain(str(above)) for one in photos for above in PurePosixPath(one.name).parents}
        meeting = {
            one.path
            for one in photos
            if counts[_plain(one.name)] > 1 or any(_plain(one.name + end) in folders for end in SUFFIXES)
        }
        if not meeting:
            return photos
        photos = [_renamed(one, spelled[one.name] > 1) if one.path in meeting else one for one in photos]


def _plain(name: str) -> str:
    """A name as disks see it that tell neither cases nor forms of accents apart."""
    return unicodedata.normalize("NFC", name).casefold()


def _renamed(photo: Photo, twice: bool) -> Photo:
    """Take the next name; after the last one, where it is another's in other letters, mark it by a hash."""
    if len(photo.names) > 1:
        return replace(photo, names=photo.names[1:])
    if twice:
        raise UsageError(
            f"Expected images whose results can be told apart, but {str(photo.path)!r} and another are both "
            f"called {photo.name!r}; give the folder above them instead."
        )
    mark = hashlib.sha256(os.fsencode(photo.name)).hexdigest()[:8]
    return replace(photo, names=(f"{photo.name}.{mark}",))


def _marked(photos: list[Photo], folders: set[Path], out: Path) -> list[Photo]:
    """Mark the names of results that would lie in a folder of images."""
    return [
        replace(photo, mark=".fido") if (out / photo.name).parent.resolve() in folders else photo
        for photo in photos
    ]
