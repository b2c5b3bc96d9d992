"""What stands in the panels of a figure."""

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg


def picture(axis: Any) -> np.ndarray:
    """The pixels of a panel, (H, W, 3)."""
    return np.asarray(axis.get_images()[0].get_array())


def name(axis: Any) -> str:
    """What stands above a panel."""
    return axis.get_title(loc="left")


def entries(axis: Any) -> list[str]:
    """The lines of a legend."""
    return [text.get_text() for text in axis.get_legend().get_texts()]


def words(figure: Any) -> list[str]:
    """What stands in the margins of a figure."""
    return [text.get_text() for text in figure.texts]


def draw(figure: Any) -> None:
    """Render a figure, so that every text knows its place."""
    FigureCanvasAgg(figure).draw()


def overlaps(figure: Any) -> list[tuple[str, str]]:
    """Pairs of texts (captions, names, margins) that cover each other, or words that leave the figure."""
    draw(figure)
    texts = [*figure.texts]
    for axis in figure.axes:
        texts += [axis.xaxis.label, axis.yaxis.label, axis._left_title, *axis.texts]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    pairs = [(a, b) for i, (a, one) in enumerate(boxes) for b, two in boxes[:i] if one.overlaps(two)]
    page = figure.bbox
    return pairs + [
        (word, "page")
        for word, box in boxes
        if box.x0 < 0 or box.y0 < 0 or box.x1 > page.x1 or box.y1 > page.y1
    ]
