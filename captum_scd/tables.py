"""Plain text tables for standard output."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], last: Sequence[str] = ()) -> str:
    """Align columns, the first to the left and the others to the right.

    Args:
        header: names of the columns.
        rows: cells of each line.
        last: a line of its own below a second rule, such as the means; left out where empty.

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
