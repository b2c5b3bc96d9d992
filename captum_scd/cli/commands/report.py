"""What `captum-scd report` takes."""

import argparse

from captum_scd.cli.commands.groups import add_store, check_store
from captum_scd.cli.options import whole_number

MOST = 1000
"""Images on a page; more than that take long to load."""

DESCRIPTION = """Write one page about a store of masks, without a network: a gallery to sort and search, and
for each image its masks. Photos are read again where they still are, below --photos; elsewhere masks
are shown alone."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `report`."""
    parser.description = DESCRIPTION
    add_store(parser)
    parser.add_argument(
        "--images", type=whole_number(1), default=MOST, metavar="N", help="most on the page (%(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the page; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    check_store(options.store)
    from captum_scd.cli import report

    return report.run(options)
