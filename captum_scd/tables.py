"""Tables: aligned for standard output, as Markdown, and as HTML with pictures."""

import base64
import math
import re
from collections.abc import Iterable, Sequence
from html import escape


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], last: Sequence[str] = (), most: int | None = None
) -> str:
    """Align columns, the first to the left and the others to the right.

    Args:
        header: names of the columns.
        rows: cells of each line.
        last: a line of its own below a second rule, such as the means; left out where empty.
        most: lines that are shown; of further ones the number stands there.

    Returns:
        The lines, joined, without spaces at their ends.

    >>> print(table(["map", "share"], [["a", "0.5"], ["bcde", "12.0"]], ["mean", "6.2"]))
    map   share
    ----  -----
    a       0.5
    bcde   12.0
    ----  -----
    mean    6.2
    """
    if most is not None and len(rows) > most:
        rows = [*rows[:most], [f"... and {len(rows) - most} more", *[""] * (len(header) - 1)]]
    lines = [header, *rows, *([last] if last else [])]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths]
    ruled = [header, rule, *rows, *([rule, last] if last else [])]
    return "\n".join(_line(cells, widths) for cells in ruled)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How what a spreadsheet takes for a formula begins, or what would be read back as such a text."""


def csv_text(text: str) -> str:
    """Mark a text of a CSV file that a spreadsheet would take for a formula; numbers stay numbers.

    >>> csv_text("=1+1"), csv_text("wren"), csv_text("-0.5"), csv_text("'=1")
    ("'=1+1", 'wren', '-0.5', "''=1")
    >>> plain_text(csv_text("=1+1"))
    '=1+1'
    """
    return f"'{text}" if FORMULA.match(text) and not _is_number(text) else text


def plain_text(cell: str) -> str:
    """Read what `csv_text` wrote."""
    marked = cell.startswith("'") and FORMULA.match(cell[1:]) and not _is_number(cell[1:])
    return cell[1:] if marked else cell


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text)) and "\r" not in text and "\t" not in text
    except ValueError:
        return False


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Write a Markdown table, the first columns to the left and the others, of numbers, to the right.

    Args:
        header: names of the columns.
        rows: cells of each line.
        left: number of columns to the left.

    >>> print(markdown(["map", "share"], [["a|b", "0.5"]]))
    | map | share |
    | --- | ---: |
    | a\\|b | 0.5 |
    """
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    return "\n".join(f"| {' | '.join(map(_escaped, cells))} |" for cells in (header, rule, *rows))


def html(header: Sequence[str], rows: Iterable[Sequence[str | bytes]]) -> str:
    """Write an HTML table for a notebook: texts are escaped, bytes are the PNG of a picture.

    >>> html(["map"], [["<a>"]])
    '<table><tr><th>map</th></tr><tr><td>&lt;a&gt;</td></tr></table>'
    """
    lines = [[f"<th>{escape(name)}</th>" for name in header]]
    lines += [[f"<td>{_marked(cell)}</td>" for cell in row] for row in rows]
    body = "".join(f"<tr>{''.join(line)}</tr>" for line in lines)
    return f"<table>{body}</table>"


def picture(png: bytes) -> str:
    """Write the PNG of a picture into a page."""
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _marked(cell: str | bytes) -> str:
    return picture(cell) if isinstance(cell, bytes) else escape(cell)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
