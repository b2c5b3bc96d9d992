"""`captum-scd explain`: images in, and about each a figure, the masks and a summary out."""

import argparse
from pathlib import Path
from typing import Any

from captum_scd.attribution import FIDOAttribution
from captum_scd.cli.arguments import (
    add_learning,
    add_preparation,
    add_question,
    add_report,
    add_score,
    add_subject,
    chosen_device,
    preparation,
    request,
    settings,
    strategies,
    target_class,
)
from captum_scd.cli.classes import Classes, read_names
from captum_scd.cli.engines import add_engine
from captum_scd.cli.errors import UsageError
from captum_scd.cli.explain_page import content
from captum_scd.cli.explainer import Explainer, probe
from captum_scd.cli.explaining import Explaining
from captum_scd.cli.into_store import BATCH, check_place, into_store
from captum_scd.cli.job import Job
from captum_scd.cli.models import load_model
from captum_scd.cli.options import check_writable, whole_number
from captum_scd.cli.pages import check_page, write_page
from captum_scd.cli.photos import find
from captum_scd.dataset.pictures import Normalization
from captum_scd.look_alikes import NEAREST
from captum_scd.scoring import used
from captum_scd.store.identity import fingerprint

PAGE = "report.html"

DESCRIPTION = """Find which pixels make a network decide. For each image a figure (.png), the masks (.npz) and
a summary (.json) are written into --out; the summary comes last. What is done already, with the same question
and settings, is skipped, so that a run that was broken off can be started again. With --store masks and
numbers of all images go into one store, and images may lie behind URLs, s3://camera/2026 for instance."""


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
    if options.store is not None:
        return into_store(options, _explainer(options))
    photos = find(options.images, options.out)
    explainer = _explainer(options)
    asked = {
        **request(options, explainer.classes.names, fingerprint(explainer.model)),
        "contrast": options.contrast,
    }
    check_writable(options.out)
    if options.report:
        check_page(options.out / PAGE)
    job = Job(Explaining(explainer), preparation(options), options.out, asked)
    code = job.carry_out(photos, options.overwrite)
    if options.report:
        page = write_page(options.out / PAGE, job, photos, options.line, content(job, explainer))
        print(f"report in {page}")
    return code


def _add_place(parser: Any) -> None:
    places = parser.add_mutually_exclusive_group(required=True)
    places.add_argument("--out", type=Path, metavar="DIR", help="where the results go, three files an image")
    places.add_argument(
        "--store",
        metavar="PLACE",
        help="put masks and numbers of all images into this store instead, a path or URL: 2 kB an image, for "
        "any number of them",
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


def _explainer(options: argparse.Namespace) -> Explainer:
    """Load the network, and check the question against what it knows."""
    names = read_names(options.classes)
    device = chosen_device(options.device)
    model = load_model(options.model).to(device)
    method = strategies(options)
    try:
        used(FIDOAttribution(model, **method).score, options.contrast)
    except ValueError as error:
        raise UsageError(str(error)) from error
    classes = Classes(probe(model, options.size, device), names)
    target = target_class(options, classes)
    contrast = _contrast(options.contrast, classes, target)
    normalization = Normalization(tuple(options.mean), tuple(options.std))
    return Explainer(model, classes, normalization, target, contrast, method, settings(options), device)


def _contrast(text: str | None, classes: Classes, target: int | None) -> int | str | None:
    """Read what the target is contrasted with."""
    if text is None:
        return None
    if classes.count < 2:
        raise UsageError("Expected a model of two classes or more for --contrast, but it has one.")
    if text == NEAREST:
        return NEAREST
    contrast = classes.index("--contrast", text, f"{NEAREST!r}, ")
    if contrast == target:
        raise UsageError(f"Expected --contrast to be another class than --target, but both are {target}.")
    return contrast
