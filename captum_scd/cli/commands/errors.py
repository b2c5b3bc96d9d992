"""What `captum-scd errors` takes."""

import argparse
from pathlib import Path

from captum_scd.cli.commands.groups import add_store, check_store
from captum_scd.cli.commands.specs import FORMS, check_spec
from captum_scd.cli.option_types import whole_number

DESCRIPTION = """Look for systematic errors and shortcuts in a store of masks. For each class this shows
where the network looks when it is right and when it is wrong, and groups images that look alike where
their masks are. A group is named if most of its masks lie off the object (--boxes or --regions), if they
lie where no other class's masks do, or if it holds more errors than chance explains (corrected for
multiple testing). The results are a page (errors.html) and a record (errors.json) in --out."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `errors`."""
    parser.description = DESCRIPTION
    add_store(parser)
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="CSV",
        help="boxes of the objects: key,x0,y0,x1,y1 in pixels of the photos",
    )
    parser.add_argument(
        "--regions",
        type=Path,
        metavar="DIR",
        help="folder of masks of the objects: images with the photos' names, white on the object",
    )
    parser.add_argument(
        "--model",
        metavar="SPEC",
        help=f"group images by the features of this network: {FORMS} (default: by colour and texture)",
    )
    parser.add_argument("--device", default="auto", metavar="NAME", help="of --model: cpu, cuda, ... (auto)")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="seed of the grouping (%(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Find what there is to find; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    check_store(options.store)
    if options.model is not None:
        check_spec(options.model)
    from captum_scd.cli import errors

    return errors.run(options)
