"""What the page about a run of `explain` shows."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from captum_scd import visualization
from captum_scd.cli import verdicts
from captum_scd.cli.doubts import counted_doubts, doubts
from captum_scd.cli.explaining import ExplainEach
from captum_scd.cli.pages import Content
from captum_scd.cli.words import predicted_words, title_words
from captum_scd.masks import EACH, FIDOMasks
from captum_scd.photos import read
from captum_scd.report import Column, Entry, Map
from captum_scd.runs.classes import Classes
from captum_scd.runs.facts import THRESHOLD
from captum_scd.runs.folder import Folder
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo
from captum_scd.runs.results import Result, Summary

COLUMNS = (
    Column("probability", "of the explained class, for the whole image"),
    Column("keeps", "probability with all but the SSR replaced", of="SSR", better="higher"),
    Column(
        "keeps, relative",
        "the same, relative to the whole image; at most 100%",
        of="SSR",
        better="higher",
        percent=True,
    ),
    Column("area", "share of the image in the SSR", of="SSR", better="lower", percent=True),
    Column("leaves", "probability with the SDR replaced", of="SDR", better="lower"),
    Column(
        "leaves, relative",
        "the same, relative to the whole image; at most 100%",
        of="SDR",
        better="lower",
        percent=True,
    ),
    Column("area", "share of the image in the SDR", of="SDR", better="lower", percent=True),
)

GUIDE = {
    "SSR": "the smallest sufficient region; what it keeps is enough for the class.",
    "SDR": "the smallest destroying region; replacing what it covers is enough to lose the class.",
    "Joint": "the geometric mean of SSR and SDR; bright where a place is both enough and needed.",
    "Colours": "the map over the photo in grey, dark for unimportant and bright for important.",
    "Outline": "the border of the region that reaches the cut; the cut can be moved.",
    "Kept alone": "the region as the network saw it, all else replaced by the infill.",
    "Taken away": "the region replaced by the infill, all else as the network saw it.",
    "Numbers": f"are of the masks cut at {THRESHOLD}, wherever the slider stands.",
    "Not told": "whether the network is right; the maps show what it goes by, over this infill.",
}


def content(job: Job, folder: Folder, work: ExplainEach) -> Content:
    """Say what is known about all images, once the job has ended or was broken off."""
    summaries, question = list(job.done.values()), work.question
    first = summaries[0] if summaries else None
    results = [Result.read(summary) for summary in summaries]
    judged = any(result.verdict for result in results)
    same = [] if first is None else [f"{first['settings']['infill']} infill, seed {first['seed']}"]
    return Content(
        title=title_words(question.target, question.contrast, question.classes),
        columns=(*COLUMNS, *(verdicts.COLUMNS if judged else ())),
        guide={**GUIDE, **(verdicts.GUIDE if judged else {})},
        entry=partial(_entry, folder, work),
        same=same,
        notes=[f"Look twice: {doubt}." for doubt in counted_doubts(results)],
        settings={"Learning": {} if first is None else _shared(first["settings"])},
        cut=THRESHOLD,
    )


def _shared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that are those of all images."""
    return {name: value for name, value in settings.items() if name not in EACH}


def _entry(folder: Folder, work: ExplainEach, photo: Photo, summary: Summary) -> Entry:
    masks = FIDOMasks.load(folder.archive(photo))
    assert masks.infill is not None
    normalization, classes = work.question.normalization, work.question.classes
    result = Result.read(summary)
    verdict = result.verdict
    return Entry(
        name=photo.name,
        picture=work.prepare(read(photo.path)).pixels[0],
        maps=(
            Map("Joint", ("SSR", "SDR")),
            Map("SSR", masks.ssr_cells[0, 0].clamp(0, 1)),
            Map("SDR", masks.sdr_cells[0, 0].clamp(0, 1)),
            *(
                Map(f"Alternative {count}", one.ssr_cells[0, 0].clamp(0, 1))
                for count, one in enumerate(masks.alternatives, start=1)
            ),
        ),
        numbers={**numbers(result.probability, result.areas), **verdicts.numbers(verdict)},
        label=predicted_words(result.predicted, result.target, classes),
        infill=visualization.denormalize(masks.infill, normalization.mean, normalization.std)[0],
        facts={**verdicts.facts(verdict), **_facts(classes, summary, result)},
        doubts=tuple(doubts(result)),
    )


def numbers(probability: Mapping[str, float], area: Mapping[str, float]) -> dict[str, float]:
    """All columns that can be had: there is no share of a probability of 0."""
    whole, kept, left = (probability[name] for name in ("image", "ssr", "sdr"))
    plain = {"probability": whole, "SSR keeps": kept, "SDR leaves": left}
    shares = {"SSR keeps, relative": kept, "SDR leaves, relative": left} if whole else {}
    relative = {name: min(1.0, value / whole) for name, value in shares.items()}
    return {**plain, **relative, "SSR area": area["ssr"], "SDR area": area["sdr"]}


def _facts(classes: Classes, summary: Summary, result: Result) -> dict[str, str]:
    label = classes.label
    photo, chances = summary["photo"], result.probability
    others = classes.labels(result.look_alikes) if result.look_alikes else ""
    width, height = photo["size"]
    return {
        "predicted": f"{label(result.predicted)}, {chances['predicted']:.3f}",
        "explained": label(result.target),
        **({"and not": others} if others else {}),
        "all replaced": f"probability {chances['infill']:.3f}",
        "photo": f"{width} x {height} pixels",
        **({} if photo["box"] is None else {"joint box": _box(photo["box"])}),
        "file": summary["image"],
        "cost": f"{summary['passes']} images through the network, {summary['seconds']:.1f} s",
    }


def _box(box: Sequence[float]) -> str:
    x0, y0, x1, y1 = (round(value) for value in box)
    return f"x {x0} to {x1}, y {y0} to {y1} of the photo"
