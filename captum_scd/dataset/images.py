"""Images below folders and URLs, as many as there are, without holding them or a list of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from captum_scd._errors import complain
from captum_scd.dataset.samples import Sample
from captum_scd.photos.finding import below
from captum_scd.photos.kinds import left_out
from captum_scd.photos.preparing import PhotoInput
from captum_scd.runs.classes import Classes
from captum_scd.runs.digests import digest_of


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
    reading: Callable[[Path | str], PhotoInput]
    target: int | None
    labels: Classes | None

    def __iter__(self) -> Iterator[Sample]:
        unread: Counter[str] = Counter()
        for place in self.places:
            for found in below(place, unread):
                name = found.name if len(self.places) == 1 else _distinct(place, found.name)
                yield self._sample(_whole(found.place), name)
        if unread:
            complain(left_out(unread))

    def __len__(self) -> int:
        return sum(1 for place in self.places for _ in below(place))

    def _sample(self, image: Path | str, key: str) -> Sample:
        label = None
        if self.labels is not None:
            folder = (image.resolve() if isinstance(image, Path) else PurePosixPath(image)).parent.name
            label = self.labels.index("the folder of each image", folder)
        return Sample(key, self.reading(image), self.target, label, str(image), partial(digest_of, image))


def _whole(place: Path | str) -> Path | str:
    """A path in full, as the store keeps it; a URL as it is."""
    return place.absolute() if isinstance(place, Path) else place


def _distinct(place: Path | str, name: str) -> str:
    """Put the name of the folder before a key, where several are given; an image by itself keeps its own."""
    folder = place.resolve().name if isinstance(place, Path) else PurePosixPath(place).name
    return name if name == folder else f"{folder}/{name}"
