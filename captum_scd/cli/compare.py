"""`captum-scd compare`: images in, several methods side by side on each, and a table of all out."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from captum_scd._errors import UsageError, one_line
from captum_scd.cli.arguments import request, settings, strategies, target_class
from captum_scd.cli.commands.compare import PAGE
from captum_scd.cli.comparing import Comparing
from captum_scd.cli.options import check_writable
from captum_scd.cli.question import subject
from captum_scd.comparison import MEASURES, METHODS
from captum_scd.comparison.methods import fido
from captum_scd.comparison.running import methods_for
from captum_scd.pages.compared import Compared
from captum_scd.pages.runs import PhotoRun
from captum_scd.pages.words import title_words
from captum_scd.pages.writing import check_page
from captum_scd.runs import means
from captum_scd.runs.folder import Folder
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo
from captum_scd.runs.question import Subject

BLANK = (256, 256)
"""Size of the picture of nothing by which a network is looked at before the photos are."""


def run(options: argparse.Namespace, photos: Sequence[Photo]) -> int:
    """Compare the methods on the images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    asking = subject(options)
    methods = _methods(options, options.methods or _suitable(asking))
    asked = {
        **request(options, asking),
        "methods": list(methods),
        "metrics": list(options.metrics),
    }
    comparing = _comparing(options, asking, methods)
    check_writable(options.out)
    if options.report:
        check_page(options.out / PAGE)
    folder = Folder(options.out, asked)
    job = Job(comparing, folder)
    shown = Compared(folder, asking, comparing.methods, comparing.measures)
    title = title_words(comparing.target, None, asking.classes)

    def write() -> None:
        _write_means(options.out, job, comparing, asked)
        if options.report:
            shown.write(options.out / PAGE, PhotoRun(job, photos, asked, options.line), title)

    code = job.carry_out(photos, options.overwrite, write)
    if options.report:
        print(f"report in {options.out / PAGE}")
    return code


def _suitable(asking: Subject) -> Sequence[str]:
    """Choose the methods by what the network is."""
    blank = asking.prepare(Image.new("RGB", BLANK))
    return methods_for(asking.model, asking.inputs(blank))


def _methods(options: argparse.Namespace, chosen: Sequence[str]) -> dict[str, Any]:
    """Give FIDO the settings that are its own."""
    own = {name: value for name, value in settings(options).items() if name != "seed"}
    its = replace(METHODS["fido"], build=partial(fido, **strategies(options, ["score"])))
    return {name: (its, own) if name == "fido" else name for name in chosen}


def _comparing(options: argparse.Namespace, asking: Subject, methods: Mapping[str, Any]) -> Comparing:
    """Check the question against what the network knows."""
    given = {"infill": options.infill, "seed": options.seed}
    return Comparing(
        asking,
        target_class(options, asking.classes),
        methods,
        {name: MEASURES[name] for name in options.metrics},
        {name: value for name, value in given.items() if value is not None},
    )


def _write_means(out: Path, job: Job, comparing: Comparing, asked: Mapping[str, Any]) -> None:
    """Write the files about all images, where there is one at least."""
    if not job.done:
        return
    try:
        means.write(out, job.done, job.failed, comparing.measures, asked)
    except OSError as error:
        raise UsageError(
            f"Expected to write results into {str(out)!r}, but it raised {one_line(error)}."
        ) from error
