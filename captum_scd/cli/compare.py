"""`captum-scd compare`: images in, several methods side by side on each, and a table of all out."""

import argparse
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from captum_scd._errors import ImageError, written
from captum_scd.cli.commands.compare import PAGE
from captum_scd.cli.option_types import check_writable
from captum_scd.cli.question import load_subject
from captum_scd.cli.read_options import request, settings, strategies, target_class
from captum_scd.comparison import MEASURES, METHODS, Comparison, compare, tables
from captum_scd.comparison.measures import Measure
from captum_scd.comparison.methods import fido
from captum_scd.comparison.running import methods_for
from captum_scd.pages.compared import write_compared
from captum_scd.pages.runs import PhotoRun
from captum_scd.pages.words import question_words, title_words
from captum_scd.pages.writing import check_page
from captum_scd.photos.preparing import View
from captum_scd.provenance import versions
from captum_scd.runs import means
from captum_scd.runs.facts import probabilities_of
from captum_scd.runs.folder import Figure, Files, Folder
from captum_scd.runs.job import Job
from captum_scd.runs.map_archive import MapArchive
from captum_scd.runs.means import pooled
from captum_scd.runs.naming import Photo
from captum_scd.runs.question import Subject
from captum_scd.runs.results import Summary
from captum_scd.tables import table

BLANK = (256, 256)
"""Size of the picture of nothing by which a network is looked at before the photos are."""


def run(options: argparse.Namespace, photos: Sequence[Photo]) -> int:
    """Compare the methods on the images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    subject = load_subject(options)
    methods = _methods(options, options.methods or _suitable(subject))
    asked = {
        **request(options, subject),
        "methods": list(methods),
        "metrics": list(options.metrics),
    }
    comparing = _comparing(options, subject, methods)
    check_writable(options.out)
    if options.report:
        check_page(options.out / PAGE)
    folder = Folder(options.out, asked)
    job = Job(comparing, folder)
    done = PhotoRun(job, folder, subject, photos, options.line)
    title = title_words(comparing.target, None, subject.classes)

    def write() -> None:
        _write_means(options.out, job, comparing, asked)
        if options.report:
            write_compared(options.out / PAGE, done, title, comparing.methods, comparing.measures)

    code = job.carry_out(photos, options.overwrite, write)
    if options.report:
        print(f"report in {options.out / PAGE}")
    return code


@dataclass(frozen=True)
class Comparing:
    """The same question to several methods about each image.

    Attributes:
        subject: the network, and how photos are brought before it.
        target: class to explain, None for the predicted one.
        methods: by name, as `compare` takes them.
        measures: by name, what is asked of each map.
        options: further options of `compare`, only those that were asked for.
    """

    subject: Subject
    target: int | None
    methods: Mapping[str, Any]
    measures: Mapping[str, Measure]
    options: Mapping[str, Any]
    doing = "comparing methods on"
    did = "compared"

    def __call__(self, photo: Image.Image) -> Files:
        """Compare the methods on what the network sees in a photo.

        Raises:
            ImageError: if the network's answer is not finite, or no method gives a map.
            KeyboardInterrupt: as soon as Ctrl-C is pressed; what some methods have done is let go.
        """
        view, start = self.subject.prepare(photo), time.perf_counter()
        inputs = self.subject.inputs(view)
        comparison = self._compared(inputs)
        chances = probabilities_of(self.subject.model, comparison.outputs)[0]
        predicted = int(chances.argmax())
        target = predicted if self.target is None else self.target
        facts = {
            "predicted": {**self.subject.classes.record(predicted), "probability": chances[predicted].item()},
            "target": {**self.subject.classes.record(target), "probability": chances[target].item()},
            "photo": view.record(),
            "normalization": self.subject.normalization.record(),
            "comparison": comparison.to_dict(),
            "versions": versions(),
            "seconds": round(time.perf_counter() - start, 3),
        }
        return Files(self._figure(view, comparison, facts), self._archive(comparison), facts)

    def summary_lines(self, summaries: Sequence[tuple[str, Summary]]) -> Iterator[str]:
        """Make a table of the methods, means over the images, and say what is to be said of each."""
        if not summaries:
            return
        rows = pooled([summary for _, summary in summaries])
        header, *body = tables.lines(rows, self.measures)
        yield table(header, body)
        yield f"mean of {len(summaries)}; an arrow points to what is better, costs are per image"
        yield from (f"note: {note}" for note in tables.notes(rows))
        yield from self.subject.normalization.noted()

    def _compared(self, inputs: torch.Tensor) -> Comparison:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Interrupted")
            comparison = compare(
                self.subject.model, inputs, self.target, self.methods, list(self.measures), **self.options
            )
        if comparison.interrupted:
            raise KeyboardInterrupt
        if not comparison.maps:
            raise ImageError(f"no method gave a map ({'; '.join(tables.notes(comparison.rows))})")
        return comparison

    def _figure(self, view: View, comparison: Comparison, facts: Mapping[str, Any]) -> Figure:
        target, predicted = facts["target"], facts["predicted"]
        title = question_words(
            target["index"], (), predicted["index"], predicted["probability"], self.subject.classes
        )
        label = f"{self.subject.classes.label(target['index'])}, {target['probability']:.2f}"
        part = f"{view.part} of the photo" if view.part else ""
        label = "\n".join(filter(None, (label, part, self.subject.normalization.assumed)))
        figure: Figure
        figure, _ = comparison.plot(images=view.pixels, labels=[label], title=title)
        return figure

    def _archive(self, comparison: Comparison) -> MapArchive:
        maps = {name: values[0, 0].cpu() for name, values in comparison.maps.items()}
        return MapArchive(maps, self.subject.picture(comparison.baselines.cpu())[0])


def _suitable(subject: Subject) -> Sequence[str]:
    """Choose the methods by what the network is."""
    blank = subject.prepare(Image.new("RGB", BLANK))
    return methods_for(subject.model, subject.inputs(blank))


def _methods(options: argparse.Namespace, chosen: Sequence[str]) -> dict[str, Any]:
    """Give FIDO the settings that are its own."""
    own = {name: value for name, value in settings(options).items() if name != "seed"}
    its = replace(METHODS["fido"], build=partial(fido, **strategies(options, ["score"])))
    return {name: (its, own) if name == "fido" else name for name in chosen}


def _comparing(options: argparse.Namespace, subject: Subject, methods: Mapping[str, Any]) -> Comparing:
    """Check the question against what the network knows."""
    given = {"infill": options.infill, "seed": options.seed}
    return Comparing(
        subject,
        target_class(options, subject.classes),
        methods,
        {name: MEASURES[name] for name in options.metrics},
        {name: value for name, value in given.items() if value is not None},
    )


def _write_means(out: Path, job: Job, comparing: Comparing, asked: Mapping[str, Any]) -> None:
    """Write the files about all images, where there is one at least."""
    if not job.done:
        return
    with written(out, "results into "):
        means.write(out, job.done, job.failed, comparing.measures, asked)
