"""`captum-scd report`: the page about a store of masks."""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from captum_scd import infill
from captum_scd._captum import progress_bar
from captum_scd.cli import verdicts
from captum_scd.cli.classes import Classes
from captum_scd.cli.errors import UsageError, one_line
from captum_scd.cli.explain_page import COLUMNS, GUIDE, numbers
from captum_scd.cli.explaining import doubts
from captum_scd.cli.options import check_writable, whole_number
from captum_scd.cli.pages import check_page, write
from captum_scd.cli.stored import Stored, picture_of
from captum_scd.dataset.facts import THRESHOLD
from captum_scd.report import Column, Entry, Failure, Map, Report
from captum_scd.store import Entry as StoredEntry

PAGE = "report.html"
MOST = 1000
"""Images on a page; more than that take long to load."""

RIGHT = Column("right", "whether the true class is predicted, where it is known", percent=True)
GREY = 0.5
GREY_WORDS = "stands for photos that are not where they were; masks are shown alone."

DESCRIPTION = """Write one page about a store of masks, without a network: a gallery to sort and search, and
for each image its masks. Photos are read again where they still are; where they are not, masks are shown
alone."""


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


def run(options: argparse.Namespace) -> int:
    """Write the page; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    stored = Stored.open(options.store)
    check_writable(options.out)
    check_page(options.out / PAGE)
    failures = stored.store.failures
    count = min(len(stored.store), options.images)
    report = _report(stored, count, len(failures), options.line)
    page = write(options.out / PAGE, report, _images(stored, count, failures))
    print(f"{count} of {len(stored.store)} images, {len(failures)} failed; report in {page}")
    return 1 if failures else 0


def entries(stored: Stored, count: int, doing: str) -> Iterator[StoredEntry]:
    """Go through a store, showing how far.

    Raises:
        UsageError: at a damaged batch, or masks that are not of images.
    """
    with progress_bar(f"captum-scd {doing}", count, bool(count)) as advance_to:
        try:
            for number, entry in enumerate(islice(stored.store.entries(), count), start=1):
                _check_image(entry)
                yield entry
                advance_to(number)
        except (ValueError, OSError) as error:
            raise UsageError(f"{one_line(error)} `captum-scd verify` lists what is damaged.") from error


def _check_image(entry: StoredEntry) -> None:
    if len(entry.masks.size) != 2:
        raise UsageError(
            f"Expected masks of images, but those of {entry.key!r} have spatial size {entry.masks.size}."
        )


def _images(stored: Stored, count: int, failures: dict[str, str]) -> Iterator[Entry | Failure]:
    for entry in entries(stored, count, "report"):
        yield _entry(stored, entry)
    yield from (Failure(key, reason) for key, reason in failures.items())


def _report(stored: Stored, count: int, failed: int, line: str) -> Report:
    total, judged = len(stored.store), _judged(stored, count)
    more = [f"The first {count:,} of {total:,} images are shown; --images shows more."]
    return Report(
        title="Which pixels decide?",
        about=f"{total:,} images explained, {failed:,} failed; store {stored.store.place}",
        columns=(*COLUMNS, *(verdicts.COLUMNS if judged else ()), RIGHT),
        guide={**GUIDE, **(verdicts.GUIDE if judged else {}), "Grey": GREY_WORDS},
        notes=more if count < total else [],
        settings={"Run": {"command": line}, **stored.about()},
        cut=THRESHOLD,
    )


def _entry(stored: Stored, entry: StoredEntry) -> Entry:
    picture, classes = picture_of(stored.view(entry)), stored.classes
    right = {} if entry.label is None else {"right": float(entry.label == entry.predicted)}
    verdict = next(iter(entry.masks.verdict), None)
    contrast = stored.settings.get("contrast_target")
    told = {"probability": entry.probability, "contrast": contrast, **verdicts.record(entry.masks)}
    return Entry(
        name=entry.key,
        picture=_grey(entry) if picture is None else picture,
        maps=_maps(entry),
        numbers={**numbers(entry.probability, entry.areas), **verdicts.numbers(verdict), **right},
        label=_label(entry, classes),
        infill=None if picture is None else _infill(picture, stored.settings.get("infill")),
        facts={**verdicts.facts(verdict), **_facts(stored, entry, picture)},
        doubts=tuple(doubts(told)),
    )


def _judged(stored: Stored, count: int) -> bool:
    """Find out whether any of the images has a verdict; those of earlier versions have none."""
    try:
        return any(entry.masks.verdict for entry in islice(stored.store.entries(), count))
    except (ValueError, OSError):
        return False


def _label(entry: StoredEntry, classes: Classes) -> str:
    """Name the predicted class, and those it is not: the explained one, the true one."""
    others = {"explained": entry.target, "true": entry.label}
    words = [
        f"{word}: {classes.label(other)}"
        for word, other in others.items()
        if other is not None and other != entry.predicted
    ]
    return classes.label(entry.predicted) + (f" ({', '.join(words)})" if words else "")


def _maps(entry: StoredEntry) -> tuple[Map, ...]:
    """Joint map, SSR and SDR of an entry, as the page shows them."""
    return (
        Map("Joint", ("SSR", "SDR")),
        Map("SSR", entry.masks.ssr_cells[0, 0].clamp(0, 1)),
        Map("SDR", entry.masks.sdr_cells[0, 0].clamp(0, 1)),
    )


def _grey(entry: StoredEntry) -> Tensor:
    return torch.full((1, *entry.masks.size), GREY)


def _infill(picture: Tensor, name: object) -> Tensor | None:
    """Make the infill of a picture again, where that gives the one the masks were learned with."""
    if not isinstance(name, str) or not infill.can_be_repeated(name):
        return None
    return infill.resolve(name)(picture[None], torch.Generator())[0].clamp(0, 1)


def _facts(stored: Stored, entry: StoredEntry, picture: Tensor | None) -> dict[str, str]:
    label = stored.classes.label
    chance = entry.probability.get("predicted")
    return {
        "predicted": label(entry.predicted) + ("" if chance is None else f", {chance:.3f}"),
        "explained": label(entry.target),
        **({"and not": stored.classes.labels(entry.look_alikes)} if entry.look_alikes else {}),
        **({} if entry.label is None else {"true class": label(entry.label)}),
        **({"file": entry.source} if entry.source else {}),
        **({} if picture is not None else {"photo": "not read again"}),
    }
