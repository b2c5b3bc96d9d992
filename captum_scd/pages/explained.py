"""The page about a run of `explain --out`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from captum_scd.masks import EACH, THRESHOLD, FIDOMasks
from captum_scd.pages import regions
from captum_scd.pages.runs import PhotoRun
from captum_scd.pages.words import counted_doubts
from captum_scd.pages.writing import write
from captum_scd.photos.reading import read
from captum_scd.report import Entry, Report
from captum_scd.runs.naming import Photo
from captum_scd.runs.results import Result, Summary


def write_explained(path: Path, run: PhotoRun, title: str) -> None:
    """Write the page about what is explained, and what could not be.

    Raises:
        UsageError: if it cannot be written.
    """
    results = [Result.read(summary) for summary in run.summaries]
    judged = any(result.verdict for result in results)
    first = next(iter(run.summaries), None)
    report = Report(
        title=title,
        columns=regions.columns(judged),
        guide=regions.guide(judged),
        notes=[f"Look twice: {doubt}." for doubt in counted_doubts(results)],
        settings={"Learning": {} if first is None else _shared(first["settings"])},
        cut=THRESHOLD,
    )
    same = [] if first is None else [f"{first['settings']['infill']} infill, seed {first['seed']}"]
    write(path, run.completed(report, same), run.images(_entry))


def _entry(run: PhotoRun, photo: Photo, summary: Summary) -> Entry:
    masks = FIDOMasks.load(run.folder.archive(photo))
    infill = run.subject.picture(masks.infill)
    picture = run.subject.prepare(read(photo.path)).pixels[0]
    cost = f"{summary['passes']} images through the network, {summary['seconds']:.1f} s"
    result = Result.read(summary)
    facts = _facts(summary["photo"], result)
    shown = regions.Shown(photo.name, result, masks, picture, infill[0], facts, {"cost": cost})
    return shown.entry(run.subject.classes)


def _shared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that are those of all images."""
    return {name: value for name, value in settings.items() if name not in EACH}


def _facts(photo: Mapping[str, Any], result: Result) -> dict[str, str]:
    width, height = photo["size"]
    return {
        "all replaced": f"probability {result.probability['infill']:.3f}",
        "photo": f"{width} x {height} pixels, {photo['seen']:.0%} seen",
        **({} if photo["box"] is None else {"joint box": _box(photo["box"])}),
    }


def _box(box: Sequence[float]) -> str:
    x0, y0, x1, y1 = (round(value) for value in box)
    return f"x {x0} to {x1}, y {y0} to {y1} of the photo"
