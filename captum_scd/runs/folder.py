"""A folder of results: about each photo a figure, an archive, and a summary that says they are whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from captum_scd._errors import ImageError, UsageError, one_line
from captum_scd._version import __version__
from captum_scd._writing import FOR_ALL, put_text, replacing, sweep
from captum_scd.photos.figures import SOFTWARE
from captum_scd.runs.naming import SUFFIXES, Photo
from captum_scd.runs.results import Summary

FORMAT = "captum_scd summary 1"
DPI = 150


class Figure(Protocol):
    """What can be saved as a picture; figures of matplotlib can."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the picture to a file."""


class Archive(Protocol):
    """Arrays that can be saved; `FIDOMasks` can."""

    def save(self, path: Path) -> None:
        """Write them to a file, which is there only once it is whole."""


@dataclass(frozen=True)
class Files:
    """What is to be written about one photo.

    Attributes:
        figure: to look at.
        archive: the arrays behind it.
        facts: everything in numbers and names, as JSON can hold it.
    """

    figure: Figure
    archive: Archive
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Folder:
    """Three files per photo.

    Attributes:
        place: the folder.
        request: everything that was asked for beside the image, as it is kept in summaries.
    """

    place: Path
    request: Mapping[str, Any]

    def begin(self, photos: Sequence[Photo], overwrite: bool) -> dict[str, Summary]:
        """Return summaries of photos that are done already, by their names; sweep up after killed runs."""
        for folder in {self._paths(photo)[0].parent for photo in photos}:
            sweep(folder)
        found = {} if overwrite else {photo.name: self._read(photo) for photo in photos}
        return {name: summary for name, summary in found.items() if summary is not None}

    def put(self, photo: Photo, digest: str, found: Files) -> Summary:
        """Write all three; the summary goes first where it is old, and comes last.

        Raises:
            ImageError: if files of these names cannot be written.
            UsageError: if none can, for instance on a full disk.
        """
        told = {"image": str(photo.path), "image_sha256": digest, "request": self.request, **found.facts}
        try:
            self._write(photo, found, told)
        except OSError as error:
            if error.errno not in FOR_ALL:
                raise ImageError(f"its results cannot be written ({one_line(error)})") from error
            raise UsageError(
                f"Expected to write results into {str(self.place)!r}, but it raised {one_line(error)}."
            ) from error
        return told

    def archive(self, photo: Photo) -> Path:
        """Where the arrays about a photo lie; masks as `FIDOMasks.load` reads them."""
        return self._paths(photo)[1]

    def _read(self, photo: Photo) -> Summary | None:
        """Return the summary of the same photo under the same request, if all three files are there."""
        figure, archive, path = self._paths(photo)
        try:
            summary = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        ours = isinstance(summary, dict) and summary.get("format") == FORMAT
        if not ours or summary.get("request") != self.request or not (figure.is_file() and archive.is_file()):
            return None
        return summary if photo.is_still(summary.get("image_sha256")) else None

    def _write(self, photo: Photo, found: Files, told: Summary) -> None:
        figure, archive, summary = self._paths(photo)
        text = json.dumps({"format": FORMAT, **told}, indent=2, allow_nan=False)
        summary.parent.mkdir(parents=True, exist_ok=True)
        summary.unlink(missing_ok=True)
        write_figure(found.figure, figure)
        found.archive.save(archive)
        put_text(summary, text)

    def _paths(self, photo: Photo) -> tuple[Path, Path, Path]:
        figure, archive, summary = (self.place / (photo.name + suffix) for suffix in SUFFIXES)
        return figure, archive, summary


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, marked as ours."""
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=DPI, metadata={"Software": f"{SOFTWARE} {__version__}"})
