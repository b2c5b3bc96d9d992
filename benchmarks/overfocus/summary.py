"""From values of each seed to tables: means with intervals, and differences of the same seed."""

from collections.abc import Mapping, Sequence

import torch
from scipy import stats

from captum_scd.tables import markdown

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""By row and column, one value per seed, the seeds in the same order everywhere."""

LEVEL = 0.95


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of its confidence interval under Student's t (NaN for a single value)."""
    tensor = torch.tensor(values, dtype=torch.float64)
    if len(tensor) < 2:
        return tensor.mean().item(), float("nan")
    error = tensor.std().item() / len(tensor) ** 0.5
    return tensor.mean().item(), float(stats.t.ppf((1 + LEVEL) / 2, len(tensor) - 1)) * error


def means(values: Values, columns: Mapping[str, str]) -> str:
    """Table of the mean of each row and column, with intervals."""
    return _table(values, columns, lambda row, column: interval(values[row][column]))


def differences(values: Values, columns: Mapping[str, str], to: str) -> str:
    """Table of what one row has more than each of the others, the mean of differences seed by seed."""

    def pair(row: str, column: str) -> tuple[float, float]:
        both = zip(values[to][column], values[row][column], strict=True)
        return interval([mine - other for mine, other in both])

    return _table({row: values[row] for row in values if row != to}, columns, pair, signed=True)


def _table(values, columns, cell, signed: bool = False) -> str:
    form = "{:+.3f} ± {:.3f}" if signed else "{:.3f} ± {:.3f}"
    lines = [[row, *(form.format(*cell(row, column)) for column in columns)] for row in values]
    return markdown(["row", *columns.values()], lines)
