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
from captum_scd.cli.options import number, whole_number
from captum_scd.runs.naming import find

DESCRIPTION = """Classify images, learn what each answer hangs on, look at that alone, and answer again. A
line per image goes into --out (.csv): classes and probabilities before and after, and the box of the second
look in the photo's pixels. What is there already, from the same image and settings, is kept, so that a run
that was broken off can be started again."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `classify`."""
    parser.description = DESCRIPTION
    add_subject(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="where the table goes")
    add_classes(parser)
    _add_look(parser.add_argument_group("second look"))
    add_preparation(parser.add_argument_group("image preparation"))
    add_learning(parser.add_argument_group("learning", "left to the library's defaults where not given"))


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
        "--combine", choices=combinations, default="mean_logits", help="both answers (%(default)s)"
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
    _add_box(group)


def _add_box(group: Any) -> None:
    rule = defaults("classification/boxes.py", "BoxRule")
    for name, words in (
        ("threshold", "share of the map's peak at which it is cut for the box"),
        ("inside", "share of what is marked that the box must hold along each axis"),
        ("padding", "pixels around what is marked, in an image of 224"),
        ("least", "pixels along a side of the box at least, in an image of 224"),
    ):
        group.add_argument(
            f"--{name}",
            type=number(positive=name in ("threshold", "inside")),
            default=rule[name],
            metavar="X",
            help=f"{words} (%(default)g)",
        )
