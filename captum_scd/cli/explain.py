"""`captum-scd explain`: images in, and about each a figure, the masks and a summary out."""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from captum_scd import visualization
from captum_scd.cli.commands.explain import PAGE
from captum_scd.cli.option_types import check_writable
from captum_scd.cli.question import load_question
from captum_scd.cli.read_options import request
from captum_scd.masks import THRESHOLD, FIDOMasks
from captum_scd.pages.explained import write_explained
from captum_scd.pages.runs import PhotoRun
from captum_scd.pages.words import counted_doubts, predicted_words, question_words, rival_words, title_words
from captum_scd.pages.writing import check_page
from captum_scd.passes import counted
from captum_scd.photos.preparing import View
from captum_scd.provenance import versions
from captum_scd.runs.classes import Classes
from captum_scd.runs.folder import Figure, Files, Folder
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo
from captum_scd.runs.question import Question, Subject
from captum_scd.runs.results import Result, Summary, further
from captum_scd.tables import table
from captum_scd.verdict import Verdict

ROWS_SHOWN = 40


def run(options: argparse.Namespace, photos: Sequence[Photo]) -> int:
    """Explain the images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    asking = load_question(options)
    asked = {
        **request(options, asking.subject),
        "contrast": options.contrast,
    }
    check_writable(options.out)
    if options.report:
        check_page(options.out / PAGE)
    folder = Folder(options.out, asked)
    job = Job(ExplainEach(asking), folder)
    if not options.report:
        return job.carry_out(photos, options.overwrite)
    title = title_words(asking.target, asking.contrast, asking.subject.classes)
    page, done = options.out / PAGE, PhotoRun(job, folder, asking.subject, photos, options.line)
    code = job.carry_out(photos, options.overwrite, lambda: write_explained(page, done, title))
    print(f"report in {page}")
    return code


@dataclass(frozen=True)
class ExplainEach:
    """Masks, a figure and a summary of each image.

    Attributes:
        question: the network and what is asked of it.
    """

    question: Question
    doing = "explaining"
    did = "explained"

    def __call__(self, photo: Image.Image) -> Files:
        """Explain what the network sees in a photo.

        Raises:
            ImageError: as the explainer does.
        """
        question, subject = self.question, self.question.subject
        view, start = subject.prepare(photo), time.perf_counter()
        with counted(subject.model) as passes:
            (entry,) = question.explaining([""], subject.inputs(view), [question.target])
        result, masks = Result.of(entry), entry.masks
        facts = {
            **result.record(subject.classes),
            **further(masks),
            **extents(masks, view),
            **made(subject, masks, start, passes.total),
        }
        return Files(self._figure(view, masks, result), masks, facts)

    def summary_lines(self, summaries: Sequence[tuple[str, Summary]]) -> Iterator[str]:
        """Make a table of the images, and say what is in doubt."""
        if not summaries:
            return
        results = [(name, Result.read(summary)) for name, summary in summaries]
        yield _table(results, self.question.subject.classes)
        yield (
            "probability: of the explained class; SSR keeps it with the rest of the image replaced, "
            f"SDR leaves it with the region replaced; masks cut at {THRESHOLD}"
        )
        if self.question.contrast is not None:
            other = rival_words(self.question.contrast, self.question.subject.classes)
            yield f"the masks keep and lose the lead over {other}; the probability may be small in both"
        for doubt in counted_doubts([result for _, result in results]):
            yield f"note: {doubt}"
        yield from self.question.subject.normalization.noted()

    def _figure(self, view: View, masks: FIDOMasks, result: Result) -> Figure:
        subject, chances = self.question.subject, result.probability
        infill = subject.picture(masks.infill)
        title = question_words(
            result.target, result.look_alikes, result.predicted, chances["predicted"], subject.classes
        )
        figure: Figure
        assumed = subject.normalization.assumed
        figure, _ = visualization.masks_figure(
            view.pixels[0], infill[0], masks, chances, title, THRESHOLD, assumed, view.part
        )
        return figure


def made(subject: Subject, masks: FIDOMasks, start: float, passes: int) -> dict[str, Any]:
    """Say how masks were learned, and what that cost."""
    return {
        "normalization": subject.normalization.record(),
        "settings": dict(masks.settings),
        "seed": masks.seed,
        "versions": versions(),
        "seconds": round(time.perf_counter() - start, 3),
        "passes": passes,
    }


def extents(masks: FIDOMasks, view: View) -> dict[str, Any]:
    """Where the cut joint map lies, in the view and on the photo."""
    box = masks.bounding_box(THRESHOLD)[0].tolist()
    empty = box[2] == 0
    return {
        "threshold": THRESHOLD,
        "box": None if empty else box,
        "photo": {
            **view.record(),
            "box": None if empty else view.on_photo(box),
        },
    }


def _table(results: Sequence[tuple[str, Result]], classes: Classes) -> str:
    header = ["image", "predicted", "probability", "SSR keeps", "SSR area", "SDR leaves", "SDR area"]
    numbers = [_numbers(result) for _, result in results]
    means = [sum(column) / len(column) for column in zip(*numbers, strict=True)]
    rows = [
        [name, predicted_words(result.predicted, result.target, classes), *_cells(values)]
        for (name, result), values in zip(results, numbers, strict=True)
    ]
    last = [f"mean of {len(rows)}", "", *_cells(means)]
    _add_verdicts(header, rows, last, [result.verdict for _, result in results])
    return table(header, rows, last, ROWS_SHOWN)


def _add_verdicts(
    header: list[str], rows: Sequence[list[str]], last: list[str], given: Sequence[Verdict | None]
) -> None:
    """Add a column to a table, where there is something to say in it."""
    if any(given):
        header.append("verdict")
        last.append(f"{sum(one is not None and one.trusted for one in given)} trusted")
        for row, one in zip(rows, given, strict=True):
            row.append("-" if one is None else one.word)


def _numbers(result: Result) -> tuple[float, ...]:
    chances, areas = result.probability, result.areas
    return chances["image"], chances["ssr"], areas["ssr"], chances["sdr"], areas["sdr"]


def _cells(numbers: Sequence[float]) -> list[str]:
    return [f"{value:.1%}" if place in (2, 4) else f"{value:.3f}" for place, value in enumerate(numbers)]
