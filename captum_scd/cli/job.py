"""A run over many images: what is done is skipped, what is broken is named, the rest is worked on."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from captum_scd._captum import progress_bar
from captum_scd.cli.errors import INTERRUPTED, ImageError, UsageError, one_line
from captum_scd.cli.photos import Photo
from captum_scd.cli.records import Archive, Figure, Outputs, Summary
from captum_scd.dataset.pictures import Preparation, View, read


@dataclass(frozen=True)
class Result:
    """What is found about one image.

    Attributes:
        figure: to look at.
        archive: the arrays behind it.
        facts: everything in numbers and names, as JSON can hold it.
    """

    figure: Figure
    archive: Archive
    facts: Mapping[str, Any]


class Work(Protocol):
    """What is done with every image."""

    @property
    def doing(self) -> str:
        """What it does, such as `explaining`."""

    @property
    def did(self) -> str:
        """What it has done, such as `explained`."""

    def __call__(self, view: View) -> Result:
        """Work on one image; raise `ImageError` where that has no meaning."""

    def told(self, summaries: Sequence[tuple[str, Summary]]) -> Iterable[str]:
        """Say what came out, for at least one image, by names and summaries."""


@dataclass
class Job:
    """One run over many images.

    Attributes:
        work: what is done with each.
        prepare: from a photo to what the network gets to see.
        out: output folder.
        request: everything that was asked for, as it is kept in summaries.
        done: summaries of the images that are done, by their names.
        failed: reasons why images are not, by their paths.
    """

    work: Work
    prepare: Preparation
    out: Path
    request: Mapping[str, Any]
    done: dict[str, Summary] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def carry_out(self, photos: Sequence[Photo], overwrite: bool) -> int:
        """Work on all images, or as many as there is time for; return the exit code."""
        try:
            return self.run(photos, overwrite)
        except KeyboardInterrupt:
            self.report_failures()
            complain(
                f"interrupted: {len(self.done)} of {len(photos)} images are done; "
                "run the same command again to continue"
            )
            return INTERRUPTED

    def run(self, photos: Sequence[Photo], overwrite: bool) -> int:
        """Work on what is not done yet, then print what came out; return the exit code."""
        todo = [photo for photo in photos if overwrite or not self._is_done(photo)]
        with progress_bar("captum-scd", len(todo), bool(todo)) as advance_to:
            for count, photo in enumerate(todo, start=1):
                self._work_on(photo)
                advance_to(count)
        self._report(photos, skipped=len(photos) - len(todo))
        self.report_failures()
        return 1 if self.failed else 0

    def report_failures(self) -> None:
        """Name the images that could not be worked on, and why, on standard error."""
        for path, reason in self.failed.items():
            complain(f"not {self.work.did}: {path}: {reason}")

    def outputs(self, photo: Photo) -> Outputs:
        """Name the files about a photo."""
        return Outputs(self.out, photo.name)

    def view(self, photo: Photo) -> View:
        """Read a photo as the network gets to see it.

        Raises:
            ImageError: if it cannot be read.
        """
        return self.prepare(read(photo.path))

    def _is_done(self, photo: Photo) -> bool:
        """Look for results of the same image under the same request; remember them."""
        summary = self.outputs(photo).read()
        if summary is None or summary.get("request") != self.request:
            return False
        try:
            same = summary.get("image_sha256") == photo.digest()
        except OSError:
            return False
        if same:
            self.done[photo.name] = summary
        return same

    def _work_on(self, photo: Photo) -> None:
        try:
            result, digest = self._result(photo)
        except ImageError as error:
            self.failed[str(photo.path)] = str(error)
            return
        summary = {
            "image": str(photo.path),
            "image_sha256": digest,
            "request": self.request,
            **result.facts,
        }
        try:
            self.outputs(photo).write(result.figure, result.archive, summary)
        except OSError as error:
            raise UsageError(
                f"Expected to write results into {str(self.out)!r}, but it raised {one_line(error)}."
            ) from error
        self.done[photo.name] = summary

    def _result(self, photo: Photo) -> tuple[Result, str]:
        view = self.view(photo)
        try:
            return self.work(view), photo.digest()
        except ImageError:
            raise
        except Exception as error:
            raise ImageError(f"{self.work.doing} it raised {one_line(error)}") from error

    def _report(self, photos: Sequence[Photo], skipped: int) -> None:
        summaries = [(photo.name, self.done[photo.name]) for photo in photos if photo.name in self.done]
        if summaries:
            for line in self.work.told(summaries):
                print(line)
        new = len(summaries) - skipped
        print(
            f"{new} {self.work.did}, {skipped} done before, {len(self.failed)} failed; results in {self.out}"
        )


def complain(message: str) -> None:
    """Tell the user on standard error."""
    print(f"captum-scd: {message}", file=sys.stderr)
