"""What `captum-scd report` takes."""

import argparse

from captum_scd.cli.commands.groups import add_store, check_store
from captum_scd.cli.option_types import whole_number

MOST = 1000
"""Images on a page; more than that take long to load."""

DESCRIPTION = """Write one page (report.html) about a store of masks: a gallery to sort and search, and the
masks of each image. No network is needed. Photos are shown if they still lie below --photos; otherwise
only their masks are."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `report`."""
    parser.description = DESCRIPTION
    add_store(parser)
    parser.add_argument(
        "--images",
        type=whole_number(1),
        default=MOST,
        metavar="N",
        help="show at most N images (%(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the page; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    check_store(options.store)
    from captum_scd.cli import report

    return report.run(options)
