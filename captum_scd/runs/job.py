"""A run over photos: what is done is skipped, what is broken is named, the rest is worked on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from captum_scd._captum import progress_bar
from captum_scd._errors import INTERRUPTED, ImageError, complain, one_line
from captum_scd._warnings import once
from captum_scd.photos.reading import read
from captum_scd.runs.naming import Photo


class Work(Protocol):
    """What is done with every photo."""

    @property
    def doing(self) -> str:
        """What it does, such as `explaining`."""

    @property
    def did(self) -> str:
        """What it has done, such as `explained`."""

    def __call__(self, photo: Image.Image) -> Any:
        """Work on one photo, and return what the sink takes; raise `ImageError` where that has no meaning."""

    def summary_lines(self, done: Sequence[tuple[str, Any]]) -> Iterable[str]:
        """Say what came out, by names and what the sink keeps; there may be none."""


class Sink(Protocol):
    """Where results go, and what is there of an earlier run."""

    @property
    def place(self) -> Path:
        """The folder or file."""

    def begin(self, photos: Sequence[Photo], overwrite: bool) -> dict[str, Any]:
        """Make ready; return what is there of the same photos and the same request, by the photos' names."""

    def put(self, photo: Photo, digest: str, found: Any) -> Any:
        """Write what was found about a photo with this hash; return what is kept of it.

        Raises:
            ImageError: if it cannot be written about this photo.
            UsageError: if nothing can be written.
        """


@dataclass
class Job:
    """One run over many photos.

    Attributes:
        work: what is done with each.
        sink: where the results go.
        done: what is kept of the photos that are done, by their names.
        failed: reasons why photos are not, by their paths.
    """

    work: Work
    sink: Sink
    done: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def carry_out(
        self, photos: Sequence[Photo], overwrite: bool, write: Callable[[], object] = lambda: None
    ) -> int:
        """Work on all photos, or as many as there is time for, and print what came out.

        Args:
            photos: all of them.
            overwrite: whether to do again what is done.
            write: writes what there is to write about all images, before anything is printed.

        Returns:
            The exit code.
        """
        self.done.update(self.sink.begin(photos, overwrite))
        todo = [photo for photo in photos if photo.name not in self.done]
        ended = self._run(todo)
        write()
        if ended:
            self._report(photos, skipped=len(photos) - len(todo))
        self._report_failures()
        if ended:
            return 1 if self.failed else 0
        complain(
            f"interrupted: {len(self.done)} of {len(photos)} images are done; "
            "run the same command again to continue"
        )
        return INTERRUPTED

    def _run(self, todo: Sequence[Photo]) -> bool:
        """Work on what is not done yet; return whether it came to its end."""
        try:
            with once(), progress_bar("captum-scd", len(todo), bool(todo)) as advance_to:
                for count, photo in enumerate(todo, start=1):
                    self._work_on(photo)
                    advance_to(count)
        except KeyboardInterrupt:
            return False
        return True

    def _work_on(self, photo: Photo) -> None:
        try:
            found, digest = self._found(photo)
            self.done[photo.name] = self.sink.put(photo, digest, found)
        except ImageError as error:
            self.failed[str(photo.path)] = str(error)

    def _found(self, photo: Photo) -> tuple[Any, str]:
        digest = _digest(photo)
        image = read(photo.path)
        try:
            return self.work(image), digest
        except ImageError:
            raise
        except Exception as error:
            raise ImageError(f"{self.work.doing} it raised {one_line(error)}") from error

    def _report(self, photos: Sequence[Photo], skipped: int) -> None:
        done = [(photo.name, self.done[photo.name]) for photo in photos if photo.name in self.done]
        for line in self.work.summary_lines(done):
            print(line)
        counts = f"{len(done) - skipped} {self.work.did}, {skipped} done before, {len(self.failed)} failed"
        print(f"{counts}; results in {self.sink.place}")

    def _report_failures(self) -> None:
        """Name the photos that could not be worked on, and why, on standard error."""
        for path, reason in self.failed.items():
            complain(f"not {self.work.did}: {path}: {reason}")


def _digest(photo: Photo) -> str:
    """Hash a photo before it is read, as another may take its place meanwhile; reading says what is wrong."""
    try:
        return photo.digest()
    except OSError:
        return ""
