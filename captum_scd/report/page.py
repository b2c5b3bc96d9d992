"""The page itself: template, styles, scripts, and the data as JSON that no name can break out of."""

import base64
import dataclasses
import hashlib
import html
import json
import math
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from captum_scd._version import __version__
from captum_scd.report.entries import Entry, Failure, Report
from captum_scd.report.pixels import pixels

SCRIPTS = (
    "data", "state", "outline", "painting", "controls", "order", "gallery", "table", "detail", "main",
)  # fmt: skip
"""In the order in which they need each other."""

MARK = '<meta name="generator" content="captum_scd'
HEAD = 2000
"""Characters within which the mark of a page stands."""


def render(report: Report, images: Iterable[Entry | Failure]) -> Iterator[str]:
    """Write a page, piece by piece, so that no more than one image is held at a time.

    The page holds everything it needs. Its content security policy lets no other script run than its own,
    and nothing be fetched.

    Args:
        report: what is said about all of them.
        images: what is known of each, or why there is nothing.

    Yields:
        Parts of an HTML file, ASCII only.

    Raises:
        ValueError: if two entries have one name, or a number has no column.

    >>> broken = Failure("broken.jpg", "the file is cut off")
    >>> page = "".join(render(Report("Where?", columns=[]), [broken]))
    >>> "the file is cut off" in page, page.isascii()
    (True, True)
    """
    before, after = _frame(report).split("<!-- data -->")
    yield before
    yield _block(_heading(report), 'id="report"')
    titles = [column.title for column in report.columns]
    names: set[str] = set()
    for one in images:
        yield from _failure(one) if isinstance(one, Failure) else _entry(one, titles, names)
    yield after


def is_page(path: Path) -> bool:
    """Tell whether a file is a page that `render` made; only its beginning is read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = Path(folder) / "report.html"
    ...     _ = page.write_text("".join(render(Report("Where?", columns=[]), [])))
    ...     is_page(page), is_page(Path(folder) / "missing.html")
    (True, False)
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return MARK in file.read(HEAD)
    except OSError:
        return False


def _frame(report: Report) -> str:
    style, script = _part("style.css"), "".join(_part(f"{name}.js") for name in SCRIPTS)
    values = {"title": html.escape(report.title), "about": html.escape(report.about), "version": __version__}
    hashes = {"style_hash": _digest(style), "script_hash": _digest(script)}
    framed = Template(_part("page.html")).substitute(values, style=style, script=script, **hashes)
    return framed.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _part(name: str) -> str:
    return (resources.files(__package__) / "template" / name).read_text(encoding="ascii")


def _digest(text: str) -> str:
    """Name a script or style in a content security policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _block(value: Any, attributes: str) -> str:
    """Wrap data for the page's script; nothing in it can end the block or begin a comment."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" {attributes}>{text}</script>\n'


def _heading(report: Report) -> dict[str, Any]:
    columns = [{**dataclasses.asdict(column), "title": column.title} for column in report.columns]
    settings = {
        heading: {name: _words(value) for name, value in rows.items()}
        for heading, rows in report.settings.items()
    }
    notes, guide = list(report.notes), dict(report.guide)
    shown = {"cut": report.cut, "unit": report.unit}
    return {"columns": columns, "settings": settings, "notes": notes, "guide": guide, **shown}


def _words(value: Any) -> str:
    return value if isinstance(value, str) else "-" if value is None else json.dumps(value, default=str)


def _failure(one: Failure) -> Iterator[str]:
    yield _block({"name": one.name, "reason": one.reason}, 'class="failure"')


def _entry(entry: Entry, titles: list[str], names: set[str]) -> Iterator[str]:
    """Write what is needed at once, and apart from it what only a look at the image needs."""
    if entry.name in names:
        raise ValueError(f"Expected entries of different names, but two are called {entry.name!r}.")
    names.add(entry.name)
    strange = set(entry.numbers) - set(titles)
    if strange:
        raise ValueError(f"Expected numbers for the columns {titles}, but got some for {sorted(strange)}.")
    facts = {
        "name": entry.name,
        "label": entry.label,
        "numbers": [_finite(entry.numbers.get(title)) for title in titles],
        "maps": [one.name for one in entry.maps],
        "infill": entry.infill is not None,
        "facts": dict(entry.facts),
        "doubts": list(entry.doubts),
    }
    yield _block(facts, 'class="facts"')
    yield _block(pixels(entry), 'class="pixels"')


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
