"""The page about a run, made of the results as they lie in the output folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from captum_scd._captum import progress_bar
from captum_scd._errors import ImageError, one_line
from captum_scd.pages.writing import write
from captum_scd.provenance import versions
from captum_scd.report import Column, Entry, Failure, Report
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo
from captum_scd.runs.results import Summary


@dataclass(frozen=True)
class Content:
    """What a command has to say on its page.

    Attributes:
        title: the question.
        columns, guide, cut: as of `Report`.
        entry: reads back what is known about an image that is done.
        same: what holds for all images, a few words each.
        notes: what the reader should know before all else.
        settings: tables of names and values, by heading.
    """

    title: str
    columns: Sequence[Column]
    guide: Mapping[str, str]
    entry: Callable[[Photo, Summary], Entry]
    same: Sequence[str]
    notes: Sequence[str]
    settings: Mapping[str, Mapping[str, Any]]
    cut: float


def write_page(
    path: Path, job: Job, photos: Sequence[Photo], line: str, content: Content, asked: Mapping[str, Any]
) -> Path:
    """Write the page about what is done, and what could not be.

    Args:
        path: where it is to lie.
        job: a run that has ended, or was broken off.
        photos: all that it was to work on.
        line: the command.
        content: what is shown.
        asked: everything that was asked for beside the images.

    Returns:
        Where the page lies.

    Raises:
        UsageError: if it cannot be written.
    """
    return write(path, _report(job, photos, line, content, asked), _images(job, photos, content))


def _images(job: Job, photos: Sequence[Photo], content: Content) -> Iterator[Entry | Failure]:
    """Read back what lies in the output folder, one image at a time."""
    with progress_bar("captum-scd report", len(photos), bool(photos)) as advance_to:
        for count, photo in enumerate(photos, start=1):
            summary = job.done.get(photo.name)
            if summary is not None:
                yield _read_back(job, photo, summary, content)
            elif str(photo.path) in job.failed:
                yield Failure(str(photo.path), job.failed[str(photo.path)])
            advance_to(count)


def _read_back(job: Job, photo: Photo, summary: Summary, content: Content) -> Entry | Failure:
    try:
        return content.entry(photo, summary)
    except (ImageError, OSError, ValueError) as error:
        reason = str(error) if isinstance(error, ImageError) else one_line(error)
        return Failure(str(photo.path), f"it is {job.work.did}, but cannot be shown: {reason}")


def _report(
    job: Job, photos: Sequence[Photo], line: str, content: Content, asked: Mapping[str, Any]
) -> Report:
    summaries, did, total = list(job.done.values()), job.work.did, len(photos)
    missing = total - len(summaries) - len(job.failed)
    broken_off = [f"The run was broken off; {missing} of {total} images are not {did} yet."]
    model = PurePath(asked["model"]).name
    return Report(
        title=content.title,
        about="; ".join([f"{len(summaries)} of {total} images {did}", f"model {model}", *content.same]),
        columns=content.columns,
        guide=content.guide,
        notes=[*(broken_off if missing else []), *content.notes],
        settings={
            "Run": {"command": line, **_asked(asked)},
            **content.settings,
            "Versions": _versions(summaries),
        },
        cut=content.cut,
    )


def _asked(request: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for, without what stands in tables of its own."""
    own = ("settings", "version")
    return {name: value for name, value in request.items() if value is not None and name not in own}


def _versions(summaries: Sequence[Summary]) -> dict[str, str]:
    """Versions the results were made with; more than one where runs of different days meet."""
    met = [summary["versions"] for summary in summaries] or [versions()]
    return {name: ", ".join(dict.fromkeys(one[name] for one in met)) for name in met[0]}
