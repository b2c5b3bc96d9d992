"""What `captum-scd compare` takes."""

import argparse
from pathlib import Path
from typing import Any

from captum_scd._errors import UsageError
from captum_scd.cli.commands.groups import (
    LEARNED,
    add_learning,
    add_preparation,
    add_question,
    add_report,
    add_score,
    add_subject,
)
from captum_scd.cli.commands.names import names
from captum_scd.cli.commands.specs import check_spec
from captum_scd.cli.option_types import names_of
from captum_scd.runs.naming import find

PAGE = "comparison.html"
MARK = ".compare"
"""Ends the names of results, which tells them from those of `explain` in the same folder."""

METHODS, MEASURES = "comparison/methods.py", "comparison/measures.py"

DESCRIPTION = """Explain images by several methods, and measure all maps alike. Each image gets a figure
(.compare.png), its maps (.compare.npz) and a summary (.compare.json) in --out. Means over the images are
printed, and written into comparison.md and comparison.json. Where a method fails, its line says why. A run
that was broken off goes on when the same command is given again: images that are finished, with the same
settings, are skipped."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `compare`."""
    parser.description = DESCRIPTION
    add_subject(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    add_report(parser, PAGE)
    question = parser.add_argument_group("question")
    add_question(question)
    add_score(question)
    _add_choice(parser.add_argument_group("choice"))
    add_preparation(parser.add_argument_group("image preparation"))
    add_learning(
        parser.add_argument_group("learning", "how FIDO learns its masks; --seed counts for all methods")
    )


def run(options: argparse.Namespace) -> int:
    """Compare the methods on all images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    check_settings(options)
    check_spec(options.model)
    photos = find(options.images, options.out, MARK)
    from captum_scd.cli import compare

    return compare.run(options, photos)


def check_settings(options: argparse.Namespace) -> None:
    """Refuse settings of FIDO where it is not to be run.

    Raises:
        UsageError: naming all that were given.
    """
    asked = [name for name in ("fast", *LEARNED, "score") if getattr(options, name)]
    given = ", ".join(f"--{name.removeprefix('n_').replace('_', '-')}" for name in asked)
    if given and options.methods and "fido" not in options.methods:
        raise UsageError(
            f"Expected 'fido' among --methods where {given} are given, but they are its settings "
            f"alone and --methods are {', '.join(options.methods)}."
        )


def _add_choice(group: Any) -> None:
    methods, metrics = names(METHODS, "METHODS"), names(MEASURES, "MEASURES")
    usual, measured = names(METHODS, "DEFAULT_METHODS"), names(MEASURES, "DEFAULT_MEASURES")
    group.add_argument(
        "--methods",
        type=names_of("method", methods),
        metavar="NAME,NAME",
        help=f"methods out of {', '.join(methods)} (default: {', '.join(usual)}; on transformers "
        "attention_relevance in place of guided_gradcam)",
    )
    group.add_argument(
        "--metrics",
        type=names_of("metric", metrics),
        default=measured,
        metavar="NAME,NAME",
        help=f"metrics out of {', '.join(metrics)} (default: {', '.join(measured)})",
    )
