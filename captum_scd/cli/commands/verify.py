"""What `captum-scd verify` takes."""

import argparse

from captum_scd.cli.commands.groups import check_store

DESCRIPTION = """Check a store of masks: read every entry, and list what is missing, damaged or there
twice. The exit code is 0 if the store is whole, and 1 if not."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `verify`."""
    parser.description = DESCRIPTION
    parser.add_argument("store", metavar="STORE", help="path or URL, as given to explain --store")
    parser.add_argument(
        "--discard",
        action="store_true",
        help="remove damaged batches, so that the same explain --store command explains their images again",
    )


def run(options: argparse.Namespace) -> int:
    """Check the store; return the exit code.

    Raises:
        UsageError: if it cannot be opened, or not be written to discard something.
    """
    check_store(options.store)
    from captum_scd.cli import verify

    return verify.run(options)
