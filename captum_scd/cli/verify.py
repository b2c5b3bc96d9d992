"""`captum-scd verify`: reads everything in a store, and lists what is missing or damaged."""

import argparse

from captum_scd._errors import UsageError
from captum_scd.store import MaskStore, verify


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
