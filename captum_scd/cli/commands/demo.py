"""What `captum-scd demo` takes."""

import argparse
from pathlib import Path

from captum_scd.cli.option_types import whole_number

IMAGES = 4

DESCRIPTION = """See FIDO work, offline. Beetles are drawn whose species differ by one small mark. A small
network that comes with the package classifies them, and several methods explain its answers. The figure
and the table show how much of each map lies on the mark."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `demo`."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("captum-scd-demo"),
        metavar="DIR",
        help="folder for the figure (%(default)s)",
    )
    parser.add_argument(
        "--images", type=whole_number(1), default=IMAGES, metavar="N", help="number of beetles (%(default)s)"
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="seed of images and masks (%(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Explain the demo's images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    from captum_scd.cli import demo

    return demo.run(options)
