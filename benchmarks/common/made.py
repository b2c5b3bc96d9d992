"""Maps that a benchmark has made, kept in files: a new column asks about them without explaining anew."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from captum_scd import FIDOMasks
from captum_scd._writing import replacing
from captum_scd.comparison import Comparison
from captum_scd.comparison.costs import Cost
from common.kept import earlier, keep


@dataclass(frozen=True)
class Made:
    """Maps of a batch.

    Attributes:
        maps: by label of the method, (N, 1, H, W), larger = more important.
        costs: by label of the method, of making them, per image.
        masks: FIDO's, where it is one of the methods.
    """

    maps: Mapping[str, Tensor]
    costs: Mapping[str, Cost]
    masks: FIDOMasks | None

    @classmethod
    def by(cls, comparison: Comparison, masks: FIDOMasks | None) -> "Made":
        """Take the maps out of a comparison; RuntimeError where a method has none."""
        maps, costs = {}, {}
        for row in comparison.rows.values():
            if row.map is None or row.cost is None:
                raise RuntimeError(f"{row.label}: {row.status}, {row.note}")
            maps[row.label], costs[row.label] = row.map, row.cost
        return cls(maps, costs, masks)

    def save(self, path: Path) -> None:
        """Write the maps into PATH.npz, and FIDO's masks beside them."""
        if self.masks is not None:
            self.masks.save(_masks_of(path))
        costs = json.dumps({label: asdict(cost) for label, cost in self.costs.items()})
        maps = {label: values.cpu().numpy() for label, values in self.maps.items()}
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **maps, costs=np.array(costs))  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> "Made":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            costs = {label: Cost(**cost) for label, cost in json.loads(str(arrays["costs"])).items()}
            maps = {label: torch.from_numpy(arrays[label]) for label in costs}
        masks = FIDOMasks.load(_masks_of(path)) if _masks_of(path).is_file() else None
        return cls(maps, costs, masks)


def kept(folder: Path, photos: Sequence[str], make: Callable[[], Made]) -> Made:
    """Read the maps of these photos, or make them and write them down."""
    path = folder / f"{'+'.join(photos)}.npz"
    if not path.is_file():
        make().save(path)
    return Made.load(path)


def as_method(values: Tensor) -> Callable[..., Tensor]:
    """Give a map as a method of `compare`."""

    def method(inputs: Tensor) -> Tensor:
        return values

    return method


def folder_beside(json_path: Path, settings: dict[str, Any]) -> Path:
    """Find the folder of maps beside a JSON file.

    Raises:
        ValueError: where other settings, or another version, have made the maps in it.
    """
    folder = json_path.with_suffix(".maps")
    told = folder / "settings.json"
    if told.is_file() and not earlier(told, settings):
        raise ValueError(f"Expected the maps in {folder} to be made by the same settings; see settings.json.")
    keep(told, settings)
    return folder


def _masks_of(path: Path) -> Path:
    return path.with_suffix(".fido.npz")
