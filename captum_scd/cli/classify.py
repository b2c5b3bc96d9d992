"""`captum-scd classify`: images in, a table of what the network says before and after a second look out."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from captum_scd._errors import UsageError
from captum_scd._version import __version__
from captum_scd.attribution import FIDOAttribution
from captum_scd.classification import COMBINATIONS, VIEWS, BoxRule, MaskGuidedClassifier
from captum_scd.cli.arguments import (
    add_infill,
    add_learning,
    add_preparation,
    add_score,
    add_subject,
    prepared,
    settings,
    strategies,
)
from captum_scd.cli.options import number, whole_number
from captum_scd.cli.question import subject
from captum_scd.cli.second_look import SecondLook
from captum_scd.provenance import fingerprint
from captum_scd.runs.job import Job
from captum_scd.runs.naming import find
from captum_scd.runs.question import Subject
from captum_scd.runs.table import AnswerTable

DESCRIPTION = """Classify images, learn what each answer hangs on, look at that alone, and answer again. A
line per image goes into --out (.csv): classes and probabilities before and after, and the box of the second
look in the photo's pixels. What is there already, from the same image and settings, is kept, so that a run
that was broken off can be started again."""

BOX = ("threshold", "inside", "padding", "least")
LOOK = ("view", "combine", "k", "infill", *BOX)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `classify`."""
    parser.description = DESCRIPTION
    parser.set_defaults(run=run)
    add_subject(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where the table goes")
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="class names, one a line, in output order (the model's own)",
    )
    _add_look(parser.add_argument_group("second look"))
    add_preparation(parser.add_argument_group("image preparation"))
    add_learning(parser.add_argument_group("learning", "left to the library's defaults where not given"))


def run(options: argparse.Namespace) -> int:
    """Classify all images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    photos = find(options.images, options.out)
    asking = subject(options)
    table = AnswerTable(options.out, _request(options, asking))
    return Job(_second_look(options, asking), table).carry_out(photos, options.overwrite)


def _add_look(group: Any) -> None:
    rule = BoxRule()
    group.add_argument(
        "--view", choices=list(VIEWS), default="crop", help="what the second look is shown (%(default)s)"
    )
    group.add_argument(
        "--combine", choices=list(COMBINATIONS), default="mean_logits", help="both answers (%(default)s)"
    )
    group.add_argument(
        "--k",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="likeliest classes to look for (%(default)s)",
    )
    add_infill(group)
    add_score(group)
    for name, words in (
        ("threshold", "share of the map's peak at which it is cut for the box"),
        ("inside", "share of what is marked that the box must hold along each axis"),
        ("padding", "pixels around what is marked, in an image of 224"),
        ("least", "pixels along a side of the box at least, in an image of 224"),
    ):
        group.add_argument(
            f"--{name}",
            type=number(positive=name in ("threshold", "inside")),
            default=getattr(rule, name),
            metavar="X",
            help=f"{words} (%(default)g)",
        )


def _request(options: argparse.Namespace, asking: Subject) -> str:
    """Hash everything an answer depends on beside the image."""
    request = {
        "model": options.model,
        "weights": fingerprint(asking.model),
        "names": list(asking.classes.names),
        "look": {name: getattr(options, name) for name in LOOK} | strategies(options, ["score"]),
        **prepared(asking),
        "settings": settings(options),
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _second_look(options: argparse.Namespace, asking: Subject) -> SecondLook:
    """Check what was asked for against what the network knows."""
    guided, count = _guided(options, asking.model), asking.classes.count
    if count < options.k:
        raise UsageError(f"Expected a model of at least {options.k} classes, but it has {count}.")
    return SecondLook(guided, asking)


def _guided(options: argparse.Namespace, model: torch.nn.Module) -> MaskGuidedClassifier:
    try:
        return MaskGuidedClassifier(
            model,
            FIDOAttribution(model, **strategies(options)),
            view=options.view,
            boxes=BoxRule(**{name: getattr(options, name) for name in BOX}),
            combine=options.combine,
            k=options.k,
            settings=settings(options),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
