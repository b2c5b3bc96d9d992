"""`captum-scd explain`: images in, and about each a figure, the masks and a summary out."""

import argparse
from typing import Any

import torch

from captum_scd.attribution import FIDOAttribution
from captum_scd.cli.arguments import (
    add_folder,
    add_learning,
    add_preparation,
    add_question,
    add_subject,
    chosen_device,
    preparation,
    request,
    settings,
    target_class,
)
from captum_scd.cli.classes import Classes, read_names
from captum_scd.cli.errors import UsageError
from captum_scd.cli.explain_page import content
from captum_scd.cli.explainer import Explainer, probe
from captum_scd.cli.explaining import Explaining
from captum_scd.cli.job import Job
from captum_scd.cli.models import load_model
from captum_scd.cli.options import check_writable
from captum_scd.cli.pages import check_page, write_page
from captum_scd.cli.photos import find
from captum_scd.dataset.pictures import Normalization
from captum_scd.store.identity import fingerprint

PAGE = "report.html"

DESCRIPTION = """Find which pixels make a network decide. For each image a figure (.png), the masks (.npz) and
a summary (.json) are written into --out; the summary comes last. What is done already, with the same question
and settings, is skipped, so that a run that was broken off can be started again."""


def add_parser(commands: Any) -> None:
    """Add `explain` to the subcommands of a parser."""
    parser = commands.add_parser("explain", help="explain images", description=DESCRIPTION)
    parser.set_defaults(run=run)
    add_subject(parser)
    add_folder(parser, PAGE)
    _add_question(parser.add_argument_group("question"))
    add_preparation(parser.add_argument_group("image preparation"))
    add_learning(parser.add_argument_group("learning", "left to the library's defaults where not given"))


def run(options: argparse.Namespace) -> int:
    """Explain all images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    photos = find(options.images, options.out)
    names = read_names(options.classes)
    device = chosen_device(options.device)
    model = load_model(options.model)
    asked = {**request(options, names, fingerprint(model)), "contrast": options.contrast}
    explainer = _explainer(options, model.to(device), names, device)
    check_writable(options.out)
    if options.report:
        check_page(options.out / PAGE)
    job = Job(Explaining(explainer), preparation(options), options.out, asked)
    code = job.carry_out(photos, options.overwrite)
    if options.report:
        page = write_page(options.out / PAGE, job, photos, options.line, content(job, explainer))
        print(f"report in {page}")
    return code


def _add_question(group: Any) -> None:
    add_question(group)
    group.add_argument("--contrast", metavar="CLASS", help="explain why the target and not this class")


def _explainer(
    options: argparse.Namespace, model: torch.nn.Module, names: tuple[str, ...], device: torch.device
) -> Explainer:
    """Check the question against what the network knows."""
    method = {} if options.infill is None else {"infill": options.infill}
    try:
        FIDOAttribution(model, **method)
    except ValueError as error:
        raise UsageError(str(error)) from error
    classes = Classes(probe(model, options.size, device), names)
    target = target_class(options, classes)
    contrast = None if options.contrast is None else classes.index("--contrast", options.contrast)
    if target is not None and target == contrast:
        raise UsageError(f"Expected --contrast to be another class than --target, but both are {target}.")
    normalization = Normalization(tuple(options.mean), tuple(options.std))
    return Explainer(model, classes, normalization, target, contrast, method, settings(options), device)
