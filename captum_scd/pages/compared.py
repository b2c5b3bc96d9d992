"""The page about a run of `compare`."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from captum_scd.comparison import METHODS, Row, tables
from captum_scd.comparison.measures import Measure
from captum_scd.comparison.result import DONE
from captum_scd.pages.runs import PhotoRun
from captum_scd.pages.words import predicted_words
from captum_scd.pages.writing import write
from captum_scd.photos.reading import read
from captum_scd.report import Column, Entry, Map, Report
from captum_scd.report.pixels import CELLS
from captum_scd.runs.classes import Classes
from captum_scd.runs.map_archive import MapArchive
from captum_scd.runs.means import pooled
from captum_scd.runs.naming import Photo
from captum_scd.runs.results import Summary
from captum_scd.verdict import Verdict
from captum_scd.visualization.scales import COMPARED, SCALES

CUT = 0.5
"""Where maps are cut at first, as a share of their 99.5th percentile."""

PROBABILITY = Column("probability", "of the explained class, for the whole image")

GUIDE = {
    "Colours": f"the map over the photo in grey, as in the figures: {SCALES[COMPARED].note}.",
    "Outline": "the border of what reaches the cut, on the same scale; the cut can be moved.",
    "Kept alone": "these places as the network saw them, all else replaced by the infill.",
    "Taken away": "these places replaced by the infill, all else as the network saw it.",
    "Numbers": "are of the whole maps at full resolution, wherever the slider stands.",
    "Not told": "whether the network is right; the maps show what it goes by, over this infill.",
}


def write_compared(
    path: Path, run: PhotoRun, title: str, methods: Collection[str], measures: Mapping[str, Measure]
) -> None:
    """Write the page about what is compared, and what could not be.

    Args:
        path: of the page.
        run: with the summaries.
        title: of the page.
        methods: their names.
        measures: by name, what was asked of each map.

    Raises:
        UsageError: if it cannot be written.
    """
    rows = pooled(run.summaries) if run.summaries else {}
    report = Report(
        title=title,
        columns=columns(methods, measures),
        guide=GUIDE,
        notes=_undone(run.summaries),
        settings={row.label: _costs(row) for row in rows.values()},
        cut=CUT,
    )
    write(path, run.completed(report, [f"{len(methods)} methods"]), run.images(_entry))


def _entry(run: PhotoRun, photo: Photo, summary: Summary) -> Entry:
    archive = MapArchive.load(run.folder.archive(photo))
    records, classes = summary["comparison"]["methods"], run.subject.classes
    return Entry(
        name=photo.name.removesuffix(photo.mark),
        picture=run.subject.prepare(read(photo.path)).pixels[0],
        maps=[Map(records[name]["label"], colored(values)) for name, values in archive.maps.items()],
        numbers=_numbers(summary),
        label=predicted_words(summary["predicted"]["index"], summary["target"]["index"], classes),
        infill=archive.infill,
        facts=_facts(classes, summary),
        doubts=[f"{record['label']} {record['status']}" for record in _not_done(summary)]
        + list(_distrusted(summary)),
    )


def columns(methods: Collection[str], measures: Mapping[str, Measure]) -> list[Column]:
    """List the numbers of an image: the probability, then metric by metric the methods."""
    return [PROBABILITY] + [
        Column(measure.label, measure.note or measure.label, of=METHODS[method].label, better=measure.better)
        for measure in measures.values()
        for method in methods
    ]


def _undone(summaries: Sequence[Summary]) -> list[str]:
    """Count the images that a method gave no map of."""
    counts = Counter(
        f"{record['label']} {record['status']}" for summary in summaries for record in _not_done(summary)
    )
    return [f"{words} on {count} of {len(summaries)} images." for words, count in counts.items()]


def _not_done(summary: Summary) -> list[Mapping[str, Any]]:
    return [one for one in summary["comparison"]["methods"].values() if one["status"] != DONE]


def _distrusted(summary: Summary) -> Iterator[str]:
    """Give the verdicts on maps of an image that are not to be trusted."""
    for record in summary["comparison"]["methods"].values():
        for verdict in map(Verdict.from_dict, record.get("verdicts", [])):
            if not verdict.trusted:
                yield f"{record['label']}: {verdict}"


def _costs(row: Row) -> dict[str, str]:
    """Say what a method is, and what it cost; the means of its metrics stand in the page's summary."""
    spent = {
        heading: form.format(value)
        for (heading, form), value in zip(tables.COSTS.values(), tables.costs(row.cost).values(), strict=True)
        if value is not None
    }
    return {**({"note": row.note} if row.note else {}), **spent}


def colored(values: Tensor) -> Tensor:
    """Bring a map (H, W) to the scale of the figures, then average to the page's cells: (h, w) in [0, 1]."""
    size = tuple(min(side, CELLS) for side in values.shape)
    return F.interpolate(SCALES[COMPARED].apply(values[None])[None], size=size, mode="area")[0, 0]


def _numbers(summary: Summary) -> dict[str, float]:
    comparison = summary["comparison"]
    labels = {name: metric["label"] for name, metric in comparison["metrics"].items()}
    numbers = {
        f"{record['label']} {labels[metric]}": value
        for record in comparison["methods"].values()
        for metric, (value,) in record["values"].items()
        if value is not None
    }
    return {PROBABILITY.title: summary["target"]["probability"], **numbers}


def _facts(classes: Classes, summary: Summary) -> dict[str, str]:
    predicted, (width, height) = summary["predicted"], summary["photo"]["size"]
    return {
        "predicted": f"{classes.label(predicted['index'])}, {predicted['probability']:.3f}",
        "explained": classes.label(summary["target"]["index"]),
        "photo": f"{width} x {height} pixels",
        "file": summary["image"],
        "cost": f"{summary['seconds']:.1f} s, metrics and all",
    }
