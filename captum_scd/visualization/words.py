"""Words, measured before they are set."""

from collections.abc import Iterable
from functools import lru_cache

LINE_HEIGHT = 1.3
"""Height of a line, as a share of the font size."""


def wrapped(text: str, width: float, points: float, weight: str = "normal") -> str:
    """Break a text between words into lines of at most `width` inches; line breaks in it stay."""
    lines: list[str] = []
    for part in text.split("\n"):
        lines.append("")
        for word in part.split():
            longer = f"{lines[-1]} {word}".strip()
            fits = not lines[-1] or text_width(longer, points, weight) <= width
            lines[-1:] = [longer] if fits else [lines[-1], word]
    return "\n".join(lines)


@lru_cache(maxsize=1024)
def text_width(text: str, points: float, weight: str = "normal") -> float:
    """Width of one line in inches."""
    from matplotlib import rc_context
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text:
        return 0.0
    font = FontProperties(weight=weight)
    with rc_context({"text.parse_math": False}):  # as `ShownFigure` draws it
        return float(TextPath((0, 0), text, size=points, prop=font).get_extents().width) / 72


def lines_height(texts: Iterable[str], points: float) -> float:
    """Inches that the tallest of some texts takes, 0 if all are empty."""
    return max((text.count("\n") + 1 for text in texts if text), default=0) * points * LINE_HEIGHT / 72
