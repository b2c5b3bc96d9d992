"""What was measured photo by photo, as a table of means and of paired differences."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from captum_scd.comparison import MEASURES, METHODS
from captum_scd.comparison.costs import Cost
from captum_scd.tables import markdown
from common.paired import bootstrap_interval

HEADINGS = {name: measure.heading for name, measure in MEASURES.items()} | {
    "forward": "forwards",
    "backward": "with backward",
}
Values = Mapping[str, Tensor]


@dataclass
class Table:
    """Values of each photo by method and column."""

    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, method: str, columns: Values) -> None:
        for name, values in columns.items():
            self.values[method][name] += values.tolist()

    def means(self) -> dict[str, dict[str, float]]:
        return {
            method: {name: float(np.nanmean(values)) for name, values in columns.items()}
            for method, columns in self.values.items()
        }

    def markdown(self, headings: Mapping[str, str]) -> str:
        """Means over photos, for the methods and columns that were measured."""
        means = {method: row for method, row in self.means().items() if headings.keys() & row.keys()}
        columns = [name for name in headings if any(name in row for row in means.values())]
        lines = [[method, *(_cell(name, row[name]) for name in columns)] for method, row in means.items()]
        return markdown(["method", *(headings[name] for name in columns)], lines)


def passes(cost: Cost, images: int) -> Values:
    """Network passes per image, as columns of as many images."""
    counts = {"forward": cost.forward, "backward": cost.backward}
    return {name: torch.full((images,), float(count)) for name, count in counts.items()}


def _cell(name: str, value: float) -> str:
    return f"{value:.0f}" if name in ("forward", "backward", "passes") else f"{value:.3f}"


def beside_fido(table: Table) -> str:
    """FIDO less each other method, photo by photo, wherever a difference was measured: mean, 95 %, wins."""
    fido = table.values[METHODS["fido"].label]
    columns = [name for name in fido if name.startswith("difference")]
    lines = [
        [method, *(_paired(np.array(fido[name]), np.array(values[name])) for name in columns)]
        for method, values in table.values.items()
        if values is not fido
    ]
    return markdown(["FIDO less", *(HEADINGS[name] for name in columns)], lines)


def _paired(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> str:
    low, high = bootstrap_interval(ours - theirs, range(len(ours)))
    wins = f"better on {(ours > theirs).sum()} of {len(ours)}"
    return f"{(ours - theirs).mean():+.3f} [{low:+.3f}, {high:+.3f}], {wins}"
