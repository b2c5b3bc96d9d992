"""What a page says of a run over photos, and of the photos it could not deal with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from captum_scd._captum import progress_bar
from captum_scd._errors import ImageError, one_line
from captum_scd.provenance import versions
from captum_scd.report import Entry, Failure, Report
from captum_scd.runs.folder import Folder
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo
from captum_scd.runs.question import Subject
from captum_scd.runs.results import Summary


@dataclass(frozen=True)
class PhotoRun:
    """A run that has ended, or was broken off.

    Attributes:
        job: with what is done and what failed.
        folder: where the results are, and everything that was asked for beside the images.
        subject: the network, and how photos are brought before it.
        photos: all that it was to work on.
        line: the command.
    """

    job: Job
    folder: Folder
    subject: Subject
    photos: Sequence[Photo]
    line: str

    @property
    def summaries(self) -> list[Summary]:
        """Of the photos that are done."""
        return list(self.job.done.values())

    def completed(self, report: Report, same: Sequence[str]) -> Report:
        """Add what holds for every run to a page: how far it came, the command, the versions.

        Args:
            report: what is said by a command of its own.
            same: what holds for all images, a few words each.
        """
        done, did, total = len(self.job.done), self.job.work.did, len(self.photos)
        missing = total - done - len(self.job.failed)
        broken_off = [f"The run was broken off; {missing} of {total} images are not {did} yet."]
        request = self.folder.request
        model = PurePath(request["model"]).name
        return replace(
            report,
            about="; ".join([f"{done} of {total} images {did}", f"model {model}", *same]),
            notes=[*(broken_off if missing else []), *report.notes],
            settings={
                "Run": {"command": self.line, **_asked(request)},
                **report.settings,
                "Versions": _versions(self.summaries),
            },
        )

    def images(self, entry: "ToEntry") -> Iterator[Entry | Failure]:
        """Read back what lies in the output folder, one image at a time."""
        with progress_bar("captum-scd report", len(self.photos), bool(self.photos)) as advance_to:
            for count, photo in enumerate(self.photos, start=1):
                summary, path = self.job.done.get(photo.name), str(photo.path)
                if summary is not None:
                    yield self._read_back(entry, photo, summary)
                elif path in self.job.failed:
                    yield Failure(path, self.job.failed[path])
                advance_to(count)

    def _read_back(self, entry: "ToEntry", photo: Photo, summary: Summary) -> Entry | Failure:
        try:
            return entry(self, photo, summary)
        except (ImageError, OSError, ValueError) as error:
            reason = str(error) if isinstance(error, ImageError) else one_line(error)
            return Failure(str(photo.path), f"it is {self.job.work.did}, but cannot be shown: {reason}")


ToEntry = Callable[[PhotoRun, Photo, Summary], Entry]
"""Makes of a photo and its summary what the page shows of it."""


def _asked(request: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for, without what stands in tables of its own."""
    own = ("settings", "version")
    return {name: value for name, value in request.items() if value is not None and name not in own}


def _versions(summaries: Sequence[Summary]) -> dict[str, str]:
    """Versions the results were made with; more than one where runs of different days meet."""
    met = [summary["versions"] for summary in summaries] or [versions()]
    return {name: ", ".join(dict.fromkeys(one[name] for one in met)) for name in met[0]}
