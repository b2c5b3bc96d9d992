"""`captum-scd explain`: images in, and about each a figure, the masks and a summary out."""

import argparse
from pathlib import Path
from typing import Any

from captum_scd.cli.arguments import (
    add_learning,
    add_preparation,
    add_question,
    add_report,
    add_score,
    add_subject,
    request,
)
from captum_scd.cli.engines import add_engine
from captum_scd.cli.explaining import ExplainEach
from captum_scd.cli.into_store import BATCH, check_place, into_store
from captum_scd.cli.options import check_writable, whole_number
from captum_scd.cli.pairing import add_reference, check_reference, explain_pairs
from captum_scd.cli.question import question
from captum_scd.look_alikes import NEAREST
from captum_scd.pages.explained import Explained
from captum_scd.pages.runs import PhotoRun
from captum_scd.pages.words import title_words
from captum_scd.pages.writing import check_page
from captum_scd.runs.folder import Folder
from captum_scd.runs.job import Job
from captum_scd.runs.naming import find

PAGE = "report.html"

DESCRIPTION = """Find which pixels make a network decide. For each image a figure (.png), the masks (.npz) and
a summary (.json) are written into --out; the summary comes last. What is done already, with the same question
and settings, is skipped, so that a run that was broken off can be started again. With --store masks and
numbers of all images go into one store, and images may lie behind URLs, s3://camera/2026 for instance. With
--reference it is asked what makes each image similar to another, for networks that give embeddings."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `explain`."""
    parser.description = DESCRIPTION
    parser.set_defaults(run=run)
    add_subject(parser)
    _add_place(parser)
    add_report(parser, PAGE)
    add_engine(parser.add_argument_group("who does the work on the way into the store"))
    _add_question(parser.add_argument_group("question"))
    add_preparation(parser.add_argument_group("image preparation"))
    add_learning(parser.add_argument_group("learning", "left to the library's defaults where not given"))


def run(options: argparse.Namespace) -> int:
    """Explain all images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    check_place(options)
    if options.reference is not None:
        check_reference(options)
        return explain_pairs(options)
    if options.store is not None:
        return into_store(options, question(options))
    photos = find(options.images, options.out)
    asking = question(options)
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
    shown, done = Explained(folder, asking.subject), PhotoRun(job, photos, asked, options.line)
    code = job.carry_out(photos, options.overwrite, lambda: shown.write(options.out / PAGE, done, title))
    print(f"report in {options.out / PAGE}")
    return code


def _add_place(parser: Any) -> None:
    places = parser.add_mutually_exclusive_group(required=True)
    places.add_argument("--out", type=Path, metavar="DIR", help="where the results go: three files each")
    places.add_argument(
        "--store",
        metavar="PLACE",
        help="put masks and numbers of all images into this store instead, a path or URL: 2 kB per image, "
        "for any number of them",
    )
    parser.add_argument(
        "--labels",
        action="store_true",
        help="keep the name of each image's folder in the store as its true class",
    )
    parser.add_argument(
        "--batch",
        type=whole_number(1),
        metavar="N",
        help=f"images explained at a time on the way into the store ({BATCH})",
    )


def _add_question(group: Any) -> None:
    add_question(group)
    add_score(group, contrast=True)
    add_reference(group)
    group.add_argument(
        "--contrast",
        metavar="CLASS",
        help="explain why the target and not this class; "
        f"{NEAREST}: and not the likeliest other classes of the image, up to three",
    )
    group.add_argument(
        "--alternatives",
        type=whole_number(0),
        metavar="N",
        help="look for N further regions that are enough, those before it covered; each costs as much again",
    )
