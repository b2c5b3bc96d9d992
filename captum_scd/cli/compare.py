"""`captum-scd compare`: images in, several methods side by side on each, and a table of all out."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from captum_scd import infill
from captum_scd._errors import UsageError, one_line
from captum_scd.cli.arguments import (
    add_folder,
    add_learning,
    add_preparation,
    add_question,
    add_score,
    add_subject,
    request,
    settings,
    strategies,
    target_class,
)
from captum_scd.cli.comparing import Comparing
from captum_scd.cli.options import check_writable, names_of
from captum_scd.cli.question import subject
from captum_scd.comparison import DEFAULT_MEASURES, DEFAULT_METHODS, MEASURES, METHODS
from captum_scd.comparison.methods import fido
from captum_scd.pages.compared import Compared
from captum_scd.pages.runs import PhotoRun
from captum_scd.pages.words import title_words
from captum_scd.pages.writing import check_page
from captum_scd.runs import means
from captum_scd.runs.folder import Folder
from captum_scd.runs.job import Job
from captum_scd.runs.naming import find
from captum_scd.runs.question import Subject

PAGE = "comparison.html"
MARK = ".compare"
"""Ends the names of results, which tells them from those of `explain` in the same folder."""

DESCRIPTION = """Explain images by several methods and measure all of them alike. For each image a figure
(.compare.png), the maps (.compare.npz) and a summary (.compare.json) are written into --out; the summary
comes last. Means over the images are printed, and written into comparison.md and comparison.json. A method
that fails is a line that says why. What is done already, with the same question and settings, is skipped, so
that a run that was broken off can be started again."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `compare`."""
    parser.description = DESCRIPTION
    parser.set_defaults(run=run)
    add_subject(parser)
    add_folder(parser, PAGE)
    question = parser.add_argument_group("question")
    add_question(question)
    add_score(question)
    _add_choice(parser.add_argument_group("choice"))
    add_preparation(parser.add_argument_group("image preparation"))
    add_learning(
        parser.add_argument_group(
            "learning", "of FIDO, and --seed of all; left to the library's defaults where not given"
        )
    )


def run(options: argparse.Namespace) -> int:
    """Compare the methods on all images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    photos = find(options.images, options.out, MARK)
    methods = _methods(options)
    asking = subject(options)
    asked = {
        **request(options, asking),
        "methods": list(options.methods),
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


def _add_choice(group: Any) -> None:
    choices = ("method", METHODS, DEFAULT_METHODS), ("metric", MEASURES, DEFAULT_MEASURES)
    for kind, known, default in choices:
        group.add_argument(
            f"--{kind}s",
            type=names_of(kind, known),
            default=default,
            metavar="NAME,NAME",
            help=f"of {', '.join(known)} ({','.join(default)})",
        )


def _methods(options: argparse.Namespace) -> dict[str, Any]:
    """Give FIDO the settings that are its own.

    Raises:
        UsageError: if there are some, but FIDO is not to be run.
    """
    own = {name: value for name, value in settings(options).items() if name != "seed"}
    score = strategies(options, ["score"])
    given = ", ".join([*own, *score])
    if given and "fido" not in options.methods:
        raise UsageError(
            f"Expected 'fido' among --methods where {given} are given, but they are its settings "
            f"alone and --methods are {', '.join(options.methods)}."
        )
    its = replace(METHODS["fido"], build=partial(fido, **score))
    return {name: (its, own) if name == "fido" else name for name in options.methods}


def _comparing(options: argparse.Namespace, asking: Subject, methods: Mapping[str, Any]) -> Comparing:
    """Check the question against what the network knows."""
    given = {"infill": options.infill, "seed": options.seed}
    try:
        infill.resolve(options.infill or "blur")
    except ValueError as error:
        raise UsageError(str(error)) from error
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
