"""`captum-scd verify`: reads everything in a store, and lists what is missing or damaged."""

import argparse

from captum_scd._errors import UsageError
from captum_scd.store import MaskStore, verify

DESCRIPTION = """Read every entry of a store and list what is missing, damaged or there twice. The exit code
is 0 if the store is whole, 1 if it is not."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `verify`."""
    parser.description = DESCRIPTION
    parser.set_defaults(run=run)
    parser.add_argument("store", metavar="STORE", help="path or URL, as explain --store wrote it")
    parser.add_argument(
        "--discard",
        action="store_true",
        help="take damaged batches out, so that the same explain --store explains their images again",
    )


def run(options: argparse.Namespace) -> int:
    """Check the store; return the exit code.

    Raises:
        UsageError: if it cannot be opened, or not be written to discard something.
    """
    try:
        return _checked(MaskStore.open(options.store, "a" if options.discard else "r"), options.discard)
    except (ValueError, OSError, ImportError) as error:
        raise UsageError(str(error)) from error


def _checked(store: MaskStore, discard: bool) -> int:
    problems = list(verify(store))
    for problem in problems:
        print(problem)
    count, failures = len(store), store.failures
    if discard:
        for batch in sorted({problem.batch for problem in problems}):
            store.discard(batch)
            print(f"batch {batch}: discarded")
    print(
        f"{count} images in {len(store.batches)} batches, {len(failures)} that failed, "
        f"{len(problems) or 'no'} {'problem' if len(problems) == 1 else 'problems'}"
    )
    return 1 if problems else 0
