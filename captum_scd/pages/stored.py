"""A store of masks as a source of pages: what it is of, and its photos where they still are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor

from captum_scd import infill
from captum_scd._captum import progress_bar
from captum_scd._errors import ImageError, UsageError, one_line
from captum_scd.pages.regions import Shown
from captum_scd.pages.sources import Sources
from captum_scd.photos.preparing import Normalization, Preparation, View
from captum_scd.photos.reading import read
from captum_scd.runs.classes import Classes
from captum_scd.runs.digests import digest_of
from captum_scd.runs.results import Result
from captum_scd.store import Entry, MaskStore
from captum_scd.store.schema import NUMBER, list_of

LARGEST = 1 << 13
"""Pixels along a side of what is shown of a photo."""


@dataclass(frozen=True)
class Stored:
    """A store that is open to read.

    Attributes:
        store: the store.
        sources: which of the photos that it names may be read.
    """

    store: MaskStore
    sources: Sources

    @classmethod
    def open(cls, place: str, photos: Path | str) -> "Stored":
        """Open a store.

        Args:
            place: path or URL.
            photos: folder or URL below which photos may be read.

        Raises:
            UsageError: if there is none, it is damaged, or what it takes to read it is not installed.
        """
        try:
            store = MaskStore.open(place)
            for batch, what in {**store.damaged, **store.damaged_failures}.items():
                raise ValueError(
                    f"Expected the store {place!r} to be whole, but of batch {batch}, {what}. "
                    "`captum-scd verify` lists what is damaged, and takes it out with --discard."
                )
        except (OSError, ValueError, ImportError) as error:
            raise UsageError(str(error)) from error
        return cls(store, Sources(photos))

    @cached_property
    def classes(self) -> Classes:
        """Names of the classes, where the store has them."""
        names = tuple(self.store.identity["classes"])
        return Classes(len(names), names)

    @property
    def settings(self) -> Mapping[str, Any]:
        """How the masks were learned."""
        settings: Mapping[str, Any] = self.store.identity["settings"]
        return settings

    @cached_property
    def _prepared_as(self) -> Mapping[str, Any]:
        """How the images were made of photos, by the names of the options of `explain`; may be empty."""
        preparation = self.store.identity["preparation"]
        return preparation if isinstance(preparation, dict) else {}

    @property
    def normalization(self) -> Normalization | None:
        """How inputs were scaled, None where the store does not know."""
        mean, std = (self._prepared_as.get(name) for name in ("mean", "std"))
        if not (_is_colour(mean) and _is_colour(std)):
            return None
        return Normalization(tuple(mean), tuple(std))

    @property
    def preparation(self) -> Preparation | None:
        """How photos were cut, None where the store does not know."""
        size, resize = self._prepared_as.get("size"), self._prepared_as.get("resize")
        if not (type(size) is int and type(resize) is int and 0 < size <= min(resize, LARGEST)):
            return None
        return Preparation(size, resize)

    def view(self, entry: Entry) -> View | None:
        """Cut an entry's photo as the network saw it.

        None where that is not known, or the photo is not to be read or another than it was.
        """
        if not entry.source or self.preparation is None:
            return None
        place = self.sources.find(entry.source)
        try:
            same = place is not None and entry.digest in ("", digest_of(place))
            return self.preparation(read(place)) if place is not None and same else None
        except (ImageError, ValueError, OSError):
            return None

    def notes(self) -> list[str]:
        """Say which photos were not read, and how they are."""
        count, below = self.sources.elsewhere, str(self.sources.below)
        told = (
            f"{count:,} photos do not lie below {below!r}, and were not read; --photos names where they are."
        )
        return [told] if count else []

    def shown(self, entry: Entry) -> Shown:
        """Find all there is to show of an entry; without its photo, masks are shown alone."""
        picture = picture_of(self.view(entry))
        stood = None if picture is None else _infill(picture, self.settings.get("infill"))
        last = {} if picture is not None else {"photo": "not read again"}
        return Shown(entry.key, Result.of(entry), entry.masks, picture, stood, last=last)

    def judged(self, count: int) -> bool:
        """Find out whether any of the first images has a verdict; those of earlier versions have none."""
        try:
            return any(entry.masks.verdict for entry in islice(self.store.entries(), count))
        except (ValueError, OSError):
            return False

    def about(self) -> dict[str, Mapping[str, Any]]:
        """Tables of what the store is of."""
        identity = self.store.identity
        return {
            "Store": {"place": self.store.place, "model": identity["model"], **self._prepared_as},
            "Learning": self.settings,
            "Versions": self.store.versions,
        }


def _is_colour(value: Any) -> TypeGuard[list[float]]:
    return list_of(NUMBER).holds(value) and len(value) == 3


def picture_of(view: View | None) -> Tensor | None:
    """(3, H, W) in [0, 1], None where there is no view."""
    return None if view is None else view.pixels[0]


def entries(stored: Stored, count: int, doing: str) -> Iterator[Entry]:
    """Go through a store, showing how far.

    Raises:
        UsageError: at a damaged batch, or masks that are not of images.
    """
    with progress_bar(f"captum-scd {doing}", count, bool(count)) as advance_to:
        try:
            for number, entry in enumerate(islice(stored.store.entries(), count), start=1):
                _check_image(entry)
                yield entry
                advance_to(number)
        except (ValueError, OSError) as error:
            raise UsageError(f"{one_line(error)} `captum-scd verify` lists what is damaged.") from error


def _check_image(entry: Entry) -> None:
    if len(entry.masks.size) != 2:
        raise UsageError(
            f"Expected masks of images, but those of {entry.key!r} have spatial size {entry.masks.size}."
        )


def _infill(picture: Tensor, name: object) -> Tensor | None:
    """Make the infill of a picture again, where that gives the one the masks were learned with."""
    if not isinstance(name, str) or not infill.can_be_repeated(name):
        return None
    return infill.resolve(name)(picture[None], torch.Generator())[0].clamp(0, 1)
