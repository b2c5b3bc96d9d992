"""What `captum-scd errors` takes."""

import argparse
from pathlib import Path

from captum_scd.cli.commands.groups import add_store, check_store
from captum_scd.cli.commands.specs import FORMS, check_spec
from captum_scd.cli.options import whole_number

DESCRIPTION = """Look for systematic errors and shortcuts in a store of masks. For each class: where the
network looks when it is right and when it is wrong, and groups of images that look alike through their masks.
Groups are named where most masks lie off the object (--boxes or --regions), where no other class's masks do,
or where errors gather; chances are corrected for the number of questions. A page (errors.html) and a record
(errors.json) are written into --out."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `errors`."""
    parser.description = DESCRIPTION
    add_store(parser)
    parser.add_argument(
        "--boxes", type=Path, metavar="CSV", help="where objects are: key,x0,y0,x1,y1 in pixels of the photos"
    )
    parser.add_argument(
        "--regions",
        type=Path,
        metavar="DIR",
        help="the same as images called as the keys are, white on objects",
    )
    parser.add_argument(
        "--model",
        metavar="SPEC",
        help=f"group by the network's own features: {FORMS} (by colour and texture)",
    )
    parser.add_argument("--device", default="auto", metavar="NAME", help="of --model (auto, cpu, cuda, ...)")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of the grouping")


def run(options: argparse.Namespace) -> int:
    """Find what there is to find; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    check_store(options.store)
    if options.model is not None:
        check_spec(options.model)
    from captum_scd.cli import systematic

    return systematic.run(options)
