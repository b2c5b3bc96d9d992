"""Whether one map can be trusted: what the numbers of the records come to."""

import math
from typing import Any

import pytest
import torch
from trust import HEADINGS, alike, false_trust, means, moved, table, worst

from captum_scd import FIDOMasks


def record(iou: float = 0.5, **values: Any) -> dict[str, Any]:
    """One photo; a value per seed, or one for both."""
    both = {name: value if isinstance(value, tuple) else (value, value) for name, value in values.items()}
    plain = dict.fromkeys(HEADINGS, 0.5)
    seeds = [{**plain, **{name: pair[seed] for name, pair in both.items()}} for seed in (0, 1)]
    return {"photo": "wren", "seeds": seeds, "correlation": 0.9, "iou": iou}


def test_means_are_over_photos_and_seeds() -> None:
    found = means([record(difference=(0.2, 0.4)), record(difference=0.9, iou=0.7)])
    assert found["difference"] == pytest.approx(0.6)
    assert found["iou"] == pytest.approx(0.6)


def test_the_worst_photos_are_those_of_each_seed() -> None:
    records = [record(difference=(place / 10, 1 - place / 10)) for place in range(10)]
    assert worst(records) == pytest.approx((0.2 + 0.3) / 2)


def test_a_mask_that_fails_must_not_be_called_trustworthy() -> None:
    fine = {"ssr_kept": 0.9, "sdr_left": 0.1}
    records = [
        record(**fine, trusted=True),
        record(**{**fine, "ssr_kept": (0.9, 0.7)}, trusted=(False, True)),
        record(**{**fine, "sdr_left": 0.3}, trusted=False),
    ]
    assert false_trust(records) == (3, 1)


def test_what_another_seed_shows_is_told_for_starts_that_agree_and_that_do_not() -> None:
    records = [record(iou=0.3, agreement=(0.6, 0.2)), record(iou=0.8, agreement=0.6)]
    assert moved(records, agree=True) == pytest.approx(1 / 3)
    assert moved(records, agree=False) == 1.0
    assert math.isnan(moved(records[1:], agree=False))
    assert math.isnan(moved([record(agreement=math.nan)], agree=False))
    assert "| 0.333 |" in table(records)


def test_seeds_are_compared_by_map_and_region() -> None:
    cells = torch.zeros(1, 1, 2, 2)
    cells[..., 0, :] = 1.0
    first, second = (FIDOMasks(one, one, size=(2, 2)) for one in (cells, cells.transpose(2, 3)))
    assert alike(first, first) == pytest.approx({"correlation": 1.0, "iou": 1.0})
    assert alike(first, second) == pytest.approx({"correlation": 0.0, "iou": 1 / 3}, abs=1e-6)
