"""Means over the images of a run of `compare`, made of their summaries, and their files."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from captum_scd._writing import put_text
from captum_scd.comparison import Row, tables
from captum_scd.comparison.costs import Cost
from captum_scd.comparison.measures import Measure
from captum_scd.comparison.result import DONE
from captum_scd.provenance import versions
from captum_scd.runs.results import Summary
from captum_scd.systematic.cases import mean
from captum_scd.verdict import Verdict

FORMAT = "captum_scd comparison 1"
NAMES = ("comparison.md", "comparison.json")


def pooled(summaries: Sequence[Summary]) -> dict[str, Row]:
    """Make one row per method of many images; values that are missing on some are left out.

    Args:
        summaries: at least one, all of the same request.

    Returns:
        By name of the method, a row without maps. It is done where it is done on any image; costs are means
        but for memory, which is the most; notes that are not true of all images tell of how many.
    """
    records = [summary["comparison"]["methods"] for summary in summaries]
    return {name: _row([record[name] for record in records]) for name in records[0]}


def write(
    out: Path,
    summaries: Mapping[str, Summary],
    failed: Mapping[str, str],
    measures: Mapping[str, Measure],
    request: Mapping[str, Any],
) -> None:
    """Write the table into `comparison.md` and everything but the maps into `comparison.json`.

    Args:
        out: output folder.
        summaries: at least one, by name.
        failed: reasons why other images are not compared, by their paths.
        measures: by name of the metric.
        request: what was asked for.
    """
    rows = pooled(list(summaries.values()))
    record = {
        "format": FORMAT,
        **tables.record(rows, measures),
        "images": {name: _image(summary) for name, summary in summaries.items()},
        "failed": dict(failed),
        "request": dict(request),
        "versions": versions(),
    }
    for method in record["methods"].values():
        del method["values"]
    texts = tables.markdown(rows, measures), json.dumps(record, indent=2, allow_nan=False)
    for name, text in zip(NAMES, texts, strict=True):
        put_text(out / name, text)


def _row(records: Sequence[Mapping[str, Any]]) -> Row:
    """Make one row of what became of a method on each image."""
    done = [record for record in records if record["status"] == DONE]
    metrics = dict.fromkeys(metric for record in done for metric in record["values"])
    values = {metric: _known(done, metric) for metric in metrics}
    measured = [record["measuring"] for record in done if record.get("measuring")]
    return Row(
        records[0]["label"],
        DONE if done else records[0]["status"],
        _note(records, bool(done)),
        values={
            metric: torch.tensor(known, dtype=torch.float32, device="cpu")
            for metric, known in values.items()
            if known
        },
        cost=_cost(done) if done else None,
        measuring=_cost(measured) if measured else None,
        verdicts=tuple(
            Verdict.from_dict(verdict) for record in done for verdict in record.get("verdicts", [])
        ),
    )


def _known(records: Sequence[Mapping[str, Any]], metric: str) -> list[float]:
    values = [record["values"].get(metric, [None])[0] for record in records]
    return [value for value in values if value is not None]


def _note(records: Sequence[Mapping[str, Any]], any_done: bool) -> str:
    """Join what was said, and of how many images where not of all."""
    said = Counter(_said(record, any_done) for record in records)
    whole = len(records)
    return "; ".join(
        words if count == whole else f"{words} (on {count} of {whole} images)"
        for words, count in said.items()
        if words
    )


def _said(record: Mapping[str, Any], any_done: bool) -> str:
    if record["status"] == DONE or not any_done:
        return str(record["note"])
    return f"{record['status']}: {record['note']}"


def _cost(records: Sequence[Mapping[str, Any]]) -> Cost:
    peaks = [record["peak_mb"] for record in records if record["peak_mb"] is not None]
    return Cost(
        sum(record["seconds"] for record in records) / len(records),
        mean([record["forward"] for record in records]),
        mean([record["backward"] for record in records]),
        round(max(peaks) * 2**20) if peaks else None,
    )


def _image(summary: Summary) -> dict[str, Any]:
    """What the file of the whole run says of one image: by method and metric, one value."""
    methods = summary["comparison"]["methods"].items()
    return {
        "image": summary["image"],
        "predicted": summary["predicted"],
        "target": summary["target"],
        "values": {
            name: {metric: value for metric, (value,) in record["values"].items()} for name, record in methods
        },
    }
