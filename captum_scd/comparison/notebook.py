"""What a notebook shows of a comparison: the maps of a few images, the table, and what is to be said."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from captum_scd.comparison import tables
from captum_scd.tables import html, picture

if TYPE_CHECKING:
    from captum_scd.comparison.result import Comparison, Row

MOST = 4
"""Images whose maps are shown."""

DPI = 64
"""Dots per inch of the figure."""


def shown(comparison: Comparison) -> str:
    """Write a comparison as HTML."""
    header, *body = tables.lines(comparison.rows, comparison.measures)
    said = "".join(f"<li>{escape(note)}</li>" for note in tables.notes(comparison.rows))
    drawn = picture(_drawn(comparison)) if comparison.maps else ""
    count = len(comparison)
    more = f"maps of the first {MOST}" if drawn and count > MOST else ""
    title = ", ".join(filter(None, (f"Comparison of {count} image{'s' * (count != 1)}", more)))
    return f"<p>{title}</p>{drawn}{html(header, body)}<ul>{said}</ul>"


def _drawn(comparison: Comparison) -> bytes:
    """Draw the first images, as PNG."""
    rows = {name: _first(row) for name, row in comparison.rows.items()}
    target = None if comparison.target is None else comparison.target[:MOST]  # type: ignore[index]
    few = replace(comparison, rows=rows, inputs=comparison.inputs[:MOST], target=target)
    figure, _ = few.plot(metric=None if comparison.measures else "")
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    return drawn.getvalue()


def _first(row: Row) -> Row:
    values = {name: numbers[:MOST] for name, numbers in row.values.items()}
    return replace(row, map=None if row.map is None else row.map[:MOST], values=values)
