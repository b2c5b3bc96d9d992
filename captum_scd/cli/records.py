"""What is written about an image: a figure, an archive, and a summary that says they are whole."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from captum_scd._version import __version__
from captum_scd.provenance import SOFTWARE
from captum_scd.runs.results import Summary

FORMAT = "captum_scd summary 1"
SUFFIXES = (".png", ".npz", ".json")
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
class Outputs:
    """The files about one image.

    Attributes:
        folder: the output folder.
        name: path of the files in it, without suffix.
    """

    folder: Path
    name: str

    @property
    def figure(self) -> Path:
        """The figure, PNG."""
        return self._path(".png")

    @property
    def archive(self) -> Path:
        """The arrays, NPZ; masks as `FIDOMasks.load` reads them."""
        return self._path(".npz")

    @property
    def summary(self) -> Path:
        """The summary, JSON; written last, so that its presence says that the others are whole."""
        return self._path(".json")

    def read(self) -> Summary | None:
        """Return the summary; None where there is none, or not all three files are."""
        try:
            summary = json.loads(self.summary.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        ours = isinstance(summary, dict) and summary.get("format") == FORMAT
        return summary if ours and self.figure.is_file() and self.archive.is_file() else None

    def write(self, figure: Figure, archive: Archive, summary: Summary) -> None:
        """Write all three; the summary goes first where it is old, and comes last."""
        text = json.dumps({"format": FORMAT, **summary}, indent=2, allow_nan=False)
        self.summary.parent.mkdir(parents=True, exist_ok=True)
        self.summary.unlink(missing_ok=True)
        write_figure(figure, self.figure)
        archive.save(self.archive)
        with replacing(self.summary) as partial:
            partial.write_text(text + "\n", encoding="utf-8")

    def _path(self, suffix: str) -> Path:
        return self.folder / (self.name + suffix)


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, marked as ours."""
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=DPI, metadata={"Software": f"{SOFTWARE} {__version__}"})


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which takes the place of `path` only once it is whole."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
