"""What `captum-scd demo` takes."""

import argparse
from pathlib import Path

from captum_scd.cli.options import whole_number

IMAGES = 4

DESCRIPTION = """Draw beetles of look-alike species, in which one small mark tells the species, let a small
network that comes with the package classify them, and show how much of each method's map lies on the mark.
Nothing is downloaded."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `demo`."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "--out", type=Path, default=Path("captum-scd-demo"), metavar="DIR", help="%(default)s"
    )
    parser.add_argument("--images", type=whole_number(1), default=IMAGES, metavar="N", help="%(default)s")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of images and masks")


def run(options: argparse.Namespace) -> int:
    """Explain the demo's images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    from captum_scd.cli import demo

    return demo.run(options)
