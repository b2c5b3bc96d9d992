"""Tables of text: aligned for standard output, and as Markdown."""

from collections.abc import Iterable, Sequence


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


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
