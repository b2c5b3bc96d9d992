"""The maps of several methods on one image, in a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from captum_scd._writing import replacing
from captum_scd.masks import DAMAGES
from captum_scd.schema import MOST_BYTES, check_size

INFILL = "infill"
"""Name of the infill in the file; the maps go by `map.` and the names of their methods."""

MAP = "map."


@dataclass(frozen=True, eq=False)
class MapArchive:
    """Maps, and what stood where pixels were missing.

    Attributes:
        maps: by method, (H, W), larger = more important; in the file each is divided by its largest
            magnitude, so that half precision holds it.
        infill: (3, H, W) RGB in [0, 1]; 8 bits in the file.
    """

    maps: Mapping[str, Tensor]
    infill: Tensor

    def save(self, path: Path) -> None:
        """Write a compressed NumPy `.npz` archive, read without pickle."""
        arrays: dict[str, Any] = {MAP + name: _half(values) for name, values in self.maps.items()}
        arrays[INFILL] = (self.infill.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "MapArchive":
        """Read what `save` wrote.

        Raises:
            OSError: if the file cannot be read.
            ValueError: if there is something else in it.
        """
        try:
            check_size(path, MOST_BYTES)
            with np.load(path, allow_pickle=False) as file:
                maps = {
                    name.removeprefix(MAP): torch.from_numpy(file[name]).float()
                    for name in file.files
                    if name.startswith(MAP)
                }
                return _checked(cls(maps, torch.from_numpy(file[INFILL]).float() / 255))
        except OSError:
            raise
        except DAMAGES as error:
            raise ValueError(
                f"Expected {str(path)!r} to be an archive of maps, but it is not: {error}"
            ) from error


def _checked(archive: MapArchive) -> MapArchive:
    """Return an archive of maps and an RGB image, else raise ValueError."""
    shapes = {INFILL: archive.infill.shape[1:], **{name: one.shape for name, one in archive.maps.items()}}
    wrong = [name for name, shape in shapes.items() if len(shape) != 2]
    if wrong or len(archive.infill) != 3:
        raise ValueError(
            f"Expected maps (H, W) and an infill (3, H, W), but {(wrong or [INFILL])[0]!r} is none."
        )
    return archive


def _half(values: Tensor) -> np.ndarray:
    """(H, W) -> half precision, of largest magnitude 1."""
    whole = values.detach().double().cpu()
    return (whole / (whole.abs().max().item() or 1.0)).half().numpy()
