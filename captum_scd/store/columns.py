"""From the entries of a batch to arrays and columns of facts, and back."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from captum_scd.masks import FIDOMasks
from captum_scd.store.entry import Entry
from captum_scd.store.quantization import quantize, restore
from captum_scd.verdict import Verdict

Facts = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Batch:
    """What is committed at once.

    Attributes:
        facts: columns with a value per image, as JSON holds them, and `cells`, the names of the arrays;
            `verdict` and `digest` are there only where some image has one,
            and `replaces` where batches before hold other photos of the same keys.
        cells: by name, an array (images, 2, *grid) of uint8, SSR first, for each grid there is.
    """

    facts: Facts
    cells: Mapping[str, Any]


def pack(entries: Sequence[Entry]) -> Batch:
    """Entries, whose order is kept -> columns and arrays, each named by a hash of what it holds.

    Raises:
        ValueError: for a key that comes twice, or masks outside [0, 1].
    """
    keys = [entry.key for entry in entries]
    if len(set(keys)) < len(keys):
        raise ValueError(f"Expected each key once in a batch, but got {keys}.")
    grids = list(dict.fromkeys(_grid(entry.masks) for entry in entries))
    arrays = [np.stack([_steps(one.masks) for one in entries if _grid(one.masks) == grid]) for grid in grids]
    names = [digest(array) for array in arrays]
    facts = {
        "key": keys,
        "cells": names,
        "grid": [grids.index(_grid(entry.masks)) for entry in entries],
        "size": [list(entry.masks.size) for entry in entries],
        "target": [entry.target for entry in entries],
        "predicted": [entry.predicted for entry in entries],
        "probability": _numbers([entry.probability for entry in entries]),
        "areas": _numbers([entry.areas for entry in entries]),
        "label": [entry.label for entry in entries],
        "source": [entry.source for entry in entries],
        "look_alikes": [list(entry.look_alikes) for entry in entries],
        **_verdicts([entry.masks for entry in entries]),
        **_digests(entries),
    }
    return Batch(facts, dict(zip(names, arrays, strict=True)))


def unpack(batch: Batch, settings: Mapping[str, Any], version: str) -> Iterator[Entry]:
    """Yield the entries of a batch in their order; masks are learned with these settings, and their own."""
    facts, taken = batch.facts, [0] * len(batch.facts["cells"])
    contrasts = facts.get("look_alikes") or [[]] * len(facts["key"])  # older stores have no such column
    for row, key in enumerate(facts["key"]):
        grid = facts["grid"][row]
        steps = batch.cells[facts["cells"][grid]][taken[grid]]
        taken[grid] += 1
        yield Entry(
            key,
            _masks(
                steps,
                tuple(facts["size"][row]),
                {**settings, **_asked(facts, contrasts, row)},
                version,
                _verdict(facts, row),
            ),
            facts["target"][row],
            facts["predicted"][row],
            _row(facts["probability"], row),
            _row(facts["areas"], row),
            facts["label"][row],
            facts["source"][row],
            tuple(contrasts[row]),
            digests(facts)[row],
        )


def digests(facts: Facts) -> Sequence[str]:
    """Hashes of the photos' files; empty ones in stores of earlier versions."""
    return facts.get("digest") or [""] * len(facts["key"])


def digest(content: Any) -> str:
    """Hash an array with its shape, or what JSON holds, as 32 hexadecimal digits."""
    if isinstance(content, np.ndarray):
        data = str(content.shape).encode() + np.ascontiguousarray(content).tobytes()
    else:
        data = json.dumps(content, sort_keys=True, allow_nan=False).encode()
    return hashlib.sha256(data).hexdigest()[:32]


def _grid(masks: FIDOMasks) -> tuple[int, ...]:
    """Cells along each spatial axis; where channels differ, or there are no such axes, their shape."""
    shape = tuple(masks.ssr_cells.shape[1:])
    return shape[1:] if masks.size and len(shape) == len(masks.size) + 1 and shape[0] == 1 else shape


def _steps(masks: FIDOMasks) -> Any:
    """(2, *grid)."""
    pair = [quantize(cells).reshape(_grid(masks)) for cells in (masks.ssr_cells, masks.sdr_cells)]
    return np.stack(pair)


def _masks(
    steps: Any,
    size: tuple[int, ...],
    settings: Mapping[str, Any],
    version: str,
    verdict: tuple[Verdict, ...],
) -> FIDOMasks:
    grid = tuple(steps.shape[1:])
    shape = (1, 1, *grid) if size and len(grid) == len(size) else (1, *grid)
    ssr, sdr = (restore(one).reshape(shape) for one in steps)
    return FIDOMasks(ssr, sdr, size, settings=settings, version=version, verdict=verdict)


def _verdicts(masks: Sequence[FIDOMasks]) -> Facts:
    """One column a field, None where an image has no verdict; nothing where none has."""
    rows = [one.verdict[0].to_dict() if one.verdict else {} for one in masks]
    if not any(rows):
        return {}
    words = {name: [row.get(name) for row in rows] for name in ("word", "why")}
    numbers = [{name: value for name, value in row.items() if name not in words} for row in rows]
    return {"verdict": {**words, **_numbers(numbers)}}


def _digests(entries: Sequence[Entry]) -> Facts:
    """A column of hashes; nothing where none is known."""
    known = [entry.digest for entry in entries]
    return {"digest": known} if any(known) else {}


def _verdict(facts: Facts, row: int) -> tuple[Verdict, ...]:
    """Verdict of an image; none where it has none, as in stores of earlier versions."""
    fields = {name: column[row] for name, column in facts.get("verdict", {}).items()}
    return (Verdict.from_dict(fields),) if fields.get("word") is not None else ()


def _asked(facts: Facts, contrasts: Sequence[Sequence[int]], row: int) -> dict[str, Any]:
    """What was asked of an image, as the settings of its masks say it."""
    contrast = {"contrast_target": [list(contrasts[row])]} if contrasts[row] else {}
    return {"target": [facts["target"][row]], **contrast}


def _numbers(rows: Sequence[Mapping[str, float]]) -> dict[str, list[float | None]]:
    """One column a name, to six digits, None where an image has no such number."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [_rounded(row.get(name)) for row in rows] for name in names}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _row(columns: Mapping[str, Sequence[float | None]], row: int) -> dict[str, float]:
    values = {name: column[row] for name, column in columns.items()}
    return {name: value for name, value in values.items() if value is not None}
