"""`captum-scd report`: the page about a store of masks."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from captum_scd.cli.options import check_writable, path_or_url, whole_number
from captum_scd.pages import regions
from captum_scd.pages.stored import Stored, entries
from captum_scd.pages.writing import check_page, write
from captum_scd.report import Entry, Failure, Report
from captum_scd.runs.facts import THRESHOLD

PAGE = "report.html"
MOST = 1000
"""Images on a page; more than that take long to load."""

GREY_WORDS = "stands for photos that are not where they were, or not below --photos; masks are shown alone."

DESCRIPTION = """Write one page about a store of masks, without a network: a gallery to sort and search, and
for each image its masks. Photos are read again where they still are, below --photos; elsewhere masks
are shown alone."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `report`."""
    parser.description = DESCRIPTION
    parser.set_defaults(run=run)
    add_store(parser)
    parser.add_argument(
        "--images", type=whole_number(1), default=MOST, metavar="N", help="most on the page (%(default)s)"
    )


def add_store(parser: Any) -> None:
    """Add the store, and where a page about it goes."""
    parser.add_argument("store", metavar="STORE", help="path or URL")
    parser.add_argument(
        "--out", type=Path, default=Path("captum-scd-report"), metavar="DIR", help="%(default)s"
    )
    parser.add_argument(
        "--photos",
        type=path_or_url,
        default=Path(),
        metavar="FOLDER",
        help="read photos that lie below this folder or URL, and no others (the current folder)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the page; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    stored = Stored.open(options.store, options.photos)
    check_writable(options.out)
    check_page(options.out / PAGE)
    failures = stored.store.failures
    count = min(len(stored.store), options.images)
    report = _report(stored, count, len(failures), options.line)
    page = write(options.out / PAGE, report, _images(stored, count, failures))
    for note in stored.notes():
        print(f"note: {note}")
    print(f"{count} of {len(stored.store)} images, {len(failures)} failed; report in {page}")
    return 1 if failures else 0


def _images(stored: Stored, count: int, failures: dict[str, str]) -> Iterator[Entry | Failure]:
    for entry in entries(stored, count, "report"):
        yield stored.shown(entry).entry(stored.classes)
    yield from (Failure(key, reason) for key, reason in failures.items())


def _report(stored: Stored, count: int, failed: int, line: str) -> Report:
    total, judged = len(stored.store), stored.judged(count)
    more = [f"The first {count:,} of {total:,} images are shown; --images shows more."]
    return Report(
        title="Which pixels decide?",
        about=f"{total:,} images explained, {failed:,} failed; store {stored.store.place}",
        columns=(*regions.columns(judged), regions.RIGHT),
        guide={**regions.guide(judged), "Grey": GREY_WORDS},
        notes=more if count < total else [],
        settings={"Run": {"command": line}, **stored.about()},
        cut=THRESHOLD,
    )
