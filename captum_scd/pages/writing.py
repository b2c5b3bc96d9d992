"""Putting a page in its place."""

from collections.abc import Iterable
from pathlib import Path

from captum_scd._errors import UsageError, written
from captum_scd._writing import replacing
from captum_scd.report import Entry, Failure, Report, is_page, render


def check_page(path: Path) -> None:
    """Make sure that a page can be written there, and no other file is written over.

    Raises:
        UsageError: if there is a file of the page's name that is no page of ours.
    """
    if path.exists() and not is_page(path):
        raise UsageError(f"Expected {str(path)!r} to be a page of an earlier run, but it is something else.")


def write(path: Path, report: Report, images: Iterable[Entry | Failure]) -> Path:
    """Write a page, which is there only once it is whole; return where it lies.

    Raises:
        UsageError: if it cannot be written.
    """
    with (
        written(path),
        replacing(path) as partial,
        partial.open("w", encoding="ascii", newline="\n") as file,
    ):
        file.writelines(render(report, images))
    return path
