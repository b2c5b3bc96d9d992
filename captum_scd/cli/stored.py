"""A store on the command line: what it is of, and the photos behind its masks where they still are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from captum_scd._errors import ImageError, UsageError
from captum_scd.photos import Preparation, View, read
from captum_scd.runs.classes import Classes
from captum_scd.store import Entry, MaskStore


@dataclass(frozen=True)
class Stored:
    """A store that is open to read.

    Attributes:
        store: the store.
    """

    store: MaskStore

    @classmethod
    def open(cls, place: str) -> "Stored":
        """Open a store.

        Raises:
            UsageError: if there is none, or what it takes to read it is not installed.
        """
        try:
            return cls(MaskStore.open(place))
        except (OSError, ValueError, ImportError) as error:
            raise UsageError(str(error)) from error

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
    def asked(self) -> Mapping[str, Any]:
        """How the images were made of photos, by the names of the options of `explain`; may be empty."""
        return self.store.identity["preparation"] or {}

    @property
    def preparation(self) -> Preparation | None:
        """How photos were cut, None where the store does not know."""
        known = {name: self.asked[name] for name in ("size", "resize") if name in self.asked}
        return Preparation(**known) if len(known) == 2 else None

    def view(self, entry: Entry) -> View | None:
        """Cut an entry's photo as the network saw it; None where that is not known, or not to be read."""
        if not entry.source or self.preparation is None or len(entry.masks.size) != 2:
            return None
        try:
            return self.preparation(read(entry.source))
        except (ImageError, ValueError):
            return None

    def about(self) -> dict[str, Mapping[str, Any]]:
        """Tables of what the store is of."""
        identity = self.store.identity
        return {
            "Store": {"place": self.store.place, "model": identity["model"], **self.asked},
            "Learning": self.settings,
            "Versions": self.store.versions,
        }


def picture_of(view: View | None) -> Tensor | None:
    """(3, H, W) in [0, 1], None where there is no view."""
    return None if view is None else view.pixels[0]
