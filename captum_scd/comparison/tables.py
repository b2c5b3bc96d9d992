"""Rows of a comparison as Markdown, as plain Python and as a data frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from torch import Tensor

from captum_scd.comparison.costs import Cost
from captum_scd.comparison.measures import Measure
from captum_scd.tables import markdown as written
from captum_scd.verdict import WORDS

if TYPE_CHECKING:
    from captum_scd.comparison.result import Row

COSTS = {
    "seconds": ("s/image", "{:.2f}"),
    "forward": ("forwards", "{:.0f}"),
    "backward": ("with backward", "{:.0f}"),
    "peak_mb": ("peak MB", "{:.0f}"),
}
"""Heading and form of the columns of costs."""

NOTHING = "-"


def markdown(rows: Mapping[str, Row], measures: Mapping[str, Measure]) -> str:
    """Write a table of means over the images, and the notes below it."""
    header, *body = lines(rows, measures)
    below = [f"- {note}" for note in notes(rows)]
    return "\n\n".join(filter(None, [written(header, body), "\n".join(below)]))


def lines(rows: Mapping[str, Row], measures: Mapping[str, Measure]) -> list[list[str]]:
    """Cells of a table of means over the images: the headings, then a line per method."""
    told = _told(rows)
    header = [
        "method",
        *(measure.heading for measure in measures.values()),
        *(COSTS[name][0] for name in told),
    ]
    return [header, *([row.label, *_numbers(row, measures, told)] for row in rows.values())]


def notes(rows: Mapping[str, Row]) -> list[str]:
    """Collect what is to be said of each method, and what the metrics cost."""
    texts = {row.label: "; ".join(filter(None, [_said(row), _judged(row)])) for row in rows.values()}
    said = [f"{label}: {text}" for label, text in texts.items() if text]
    return said + _measuring([row.measuring for row in rows.values() if row.measuring is not None])


def record(rows: Mapping[str, Row], measures: Mapping[str, Measure]) -> dict[str, Any]:
    """Metrics and methods as JSON can hold them."""
    return {
        "metrics": {
            name: {"label": measure.label, "better": measure.better or None}
            for name, measure in measures.items()
        },
        "methods": {
            name: {
                "label": row.label,
                "status": row.status,
                "note": row.note,
                **({"verdicts": [verdict.to_dict() for verdict in row.verdicts]} if row.verdicts else {}),
                "values": {metric: _plain(values) for metric, values in row.values.items()},
                "means": {metric: _finite(_mean(values)) for metric, values in row.values.items()},
                **costs(row.cost),
                "measuring": costs(row.measuring),
            }
            for name, row in rows.items()
        },
    }


def dataframe(rows: Mapping[str, Row], measures: Mapping[str, Measure], count: int) -> Any:
    """Make a data frame with a line for each method and image."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Expected pandas to be installed for `to_dataframe`, but it is not; "
            "`pip install pandas`, or use `to_dict`."
        ) from error
    return pd.DataFrame(list(_records(rows, measures, count)))


def costs(cost: Cost | None) -> dict[str, float | None]:
    """Costs by name, None where they are not known."""
    if cost is None:
        return dict.fromkeys(COSTS)
    megabytes = None if cost.peak_bytes is None else cost.peak_bytes / 2**20
    return {
        "seconds": cost.seconds, "forward": cost.forward, "backward": cost.backward, "peak_mb": megabytes
    }  # fmt: skip


def _records(rows: Mapping[str, Row], measures: Mapping[str, Measure], count: int) -> Any:
    for name, row in rows.items():
        for image in range(count):
            values = {
                metric: row.values[metric][image].item() if metric in row.values else float("nan")
                for metric in measures
            }
            yield {
                "method": name, "image": image, **values, **costs(row.cost),
                "status": row.status, "note": row.note,
            }  # fmt: skip


def _told(rows: Mapping[str, Row]) -> list[str]:
    """Names of the costs in a table: memory only where some of it is known, which is on CUDA."""
    known = any(row.cost is not None and row.cost.peak_bytes is not None for row in rows.values())
    return [name for name in COSTS if known or name != "peak_mb"]


def _numbers(row: Row, measures: Mapping[str, Measure], told: Sequence[str]) -> list[str]:
    means = [_written(row.values.get(name)) for name in measures]
    spent = costs(row.cost)
    return means + [NOTHING if spent[name] is None else COSTS[name][1].format(spent[name]) for name in told]


def _said(row: Row) -> str:
    return row.note if row.status == "done" else ": ".join(filter(None, (row.status, row.note)))


def _judged(row: Row) -> str:
    """Sum up the verdicts on a method's maps: the line of one, or how many there are of each word."""
    if len(row.verdicts) < 2:
        return "".join(f"verdict: {verdict}" for verdict in row.verdicts)
    words = Counter(verdict.word for verdict in row.verdicts)
    counts = ", ".join(f"{word} {words[word]}" for word in WORDS if words[word])
    return f"verdicts on {len(row.verdicts)} images: {counts}"


def _measuring(spent: Sequence[Cost]) -> list[str]:
    """Say what the metrics of all methods cost beside the maps."""
    if not spent:
        return []
    forward = [cost.forward for cost in spent if cost.forward is not None]
    passes = f"{sum(forward):.0f} forward passes, " if forward else ""
    return [f"measuring: {passes}{sum(cost.seconds for cost in spent):.2f} s per image, beside the maps"]


def _mean(values: Tensor) -> float:
    """Mean over the images that have a value."""
    return values.double().nanmean().item()


def _written(values: Tensor | None) -> str:
    mean = None if values is None else _finite(_mean(values))
    return NOTHING if mean is None else f"{mean:.3f}"


def _plain(values: Tensor) -> list[float | None]:
    return [_finite(value) for value in values.tolist()]


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
