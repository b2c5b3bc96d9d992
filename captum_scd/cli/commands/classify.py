"""What `captum-scd classify` takes."""

import argparse
from pathlib import Path
from typing import Any

from captum_scd.cli.commands.groups import (
    add_classes,
    add_infill,
    add_learning,
    add_preparation,
    add_score,
    add_subject,
)
from captum_scd.cli.commands.names import defaults, names
from captum_scd.cli.commands.specs import check_spec
from captum_scd.cli.option_types import number, whole_number
from captum_scd.runs.naming import find

DESCRIPTION = """Classify images twice: first the whole image, then only the region that the first answer
depends on. Both answers are combined. Each image gets a line in the table --out (.csv): its class and
probability before and after, and the box of the second look in pixels of the photo. A run that was broken
off goes on when the same command is given again: images that are finished, with the same settings, are
skipped."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `classify`."""
    parser.description = DESCRIPTION
    add_subject(parser)
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="table of the results, a .csv file"
    )
    add_classes(parser)
    _add_look(parser.add_argument_group("second look"))
    add_preparation(parser.add_argument_group("image preparation"))
    add_learning(parser.add_argument_group("learning"))


def run(options: argparse.Namespace) -> int:
    """Classify all images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    check_spec(options.model)
    photos = find(options.images, options.out)
    from captum_scd.cli import classify

    return classify.run(options, photos)


def _add_look(group: Any) -> None:
    views = names("classification/views.py", "VIEWS")
    group.add_argument(
        "--view", choices=views, default="crop", help="what the second look is shown (%(default)s)"
    )
    combinations = names("classification/combination.py", "COMBINATIONS")
    group.add_argument(
        "--combine",
        choices=combinations,
        default="mean_logits",
        help="how both answers become one (%(default)s)",
    )
    group.add_argument(
        "--k",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="learn masks, and look again, for the N likeliest classes (%(default)s)",
    )
    add_infill(group)
    add_score(group)
    _add_box(group)


def _add_box(group: Any) -> None:
    rule = defaults("classification/boxes.py", "BoxRule")
    for name, words in (
        ("threshold", "the box is drawn around what reaches this share of the map's peak"),
        (
            "inside",
            "share of what is marked that the box must hold along each axis; specks may stay outside",
        ),
        ("padding", "margin of the box in pixels, for an image of 224 pixels"),
        ("least", "least side of the box in pixels, for an image of 224 pixels"),
    ):
        group.add_argument(
            f"--{name}",
            type=number(positive=name in ("threshold", "inside")),
            default=rule[name],
            metavar="X",
            help=f"{words} (%(default)g)",
        )
