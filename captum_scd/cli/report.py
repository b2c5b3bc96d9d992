"""`captum-scd report`: the page about a store of masks."""

import argparse
from collections.abc import Iterator

from captum_scd.cli.option_types import check_writable
from captum_scd.masks import THRESHOLD
from captum_scd.pages import regions
from captum_scd.pages.stored import Stored, entries
from captum_scd.pages.writing import check_page, write
from captum_scd.report import Entry, Failure, Report

PAGE = "report.html"
GREY_WORDS = "stands for photos that are not where they were, or not below --photos; masks are shown alone."


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
