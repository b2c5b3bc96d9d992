"""Where the objects are: boxes from a table, or masks from a folder."""

import csv
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from captum_scd._errors import ImageError, UsageError, one_line
from captum_scd.metrics import box_region
from captum_scd.photos.preparing import View
from captum_scd.photos.reading import read
from captum_scd.store import Entry

Box = tuple[float, float, float, float]
COLUMNS = ("key", "x0", "y0", "x1", "y1")
LARGEST = 1e7
"""Pixels along a side of a photo; what is more was not measured."""


@dataclass(frozen=True)
class Objects:
    """Regions of images by their keys, where any are given.

    Attributes:
        boxes: of each key, in pixels of the upright photo; in those of what the network saw, where the store
            does not know how it was cut.
        folder: of black and white images called as the keys are, with or without their suffix, and `.png`.
    """

    boxes: Mapping[str, list[Box]] = field(default_factory=dict)
    folder: Path | None = None

    def region(self, entry: Entry, view: View | None, cut: bool) -> Tensor | None:
        """Find where an entry's object is.

        Args:
            entry: of the store.
            view: its photo, cut as the network saw it.
            cut: whether photos were cut, so that boxes need one.

        Returns:
            (H, W) in [0, 1], 1 on the object; None where that is not known, or nothing of it was seen.
        """
        if self.folder is not None:
            region = self._mask(entry, view)
        elif entry.key in self.boxes and (view is not None or not cut):
            region = self._box(entry, view)
        else:
            return None
        return region if region is not None and region.any() else None

    def _box(self, entry: Entry, view: View | None) -> Tensor:
        height, width = entry.masks.size
        given = self.boxes[entry.key]
        boxes = torch.tensor([*given] if view is None else [view.from_photo(box, width) for box in given])
        return box_region(boxes.round().long(), (height, width)).any(0)[0].float()

    def _mask(self, entry: Entry, view: View | None) -> Tensor | None:
        assert self.folder is not None
        key = PurePosixPath(entry.key)
        for name in (f"{key}.png", f"{key.with_suffix('.png')}", f"{key}"):
            path = self.folder / name
            if path.is_file():
                return _cut(path, view, tuple(entry.masks.size))
        return None


def read_objects(boxes: Path | None, folder: Path | None) -> Objects | None:
    """Read what is given of where objects are; None where nothing is.

    Raises:
        UsageError: if it cannot be read, or both are given.
    """
    if boxes is None and folder is None:
        return None
    if boxes is not None and folder is not None:
        raise UsageError("Expected either --boxes or --regions, but got both.")
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(f"Expected --regions to be a folder, but {str(folder)!r} is none.")
        return Objects(folder=folder)
    assert boxes is not None
    return Objects(_read_boxes(boxes))


def _read_boxes(path: Path) -> dict[str, list[Box]]:
    found = defaultdict(list)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            _check_header(rows.fieldnames or ())
            for row in rows:
                found[row["key"]].append(_numbers(row))
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise UsageError(
            f"Expected --boxes to be a table with the columns {', '.join(COLUMNS)}, "
            f"but reading {str(path)!r} raised {one_line(error)}."
        ) from error
    return dict(found)


def _check_header(names: Collection[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"there is no column {missing[0]!r}")


def _numbers(row: Mapping[str, Any]) -> Box:
    x0, y0, x1, y1 = (float(row[name]) for name in COLUMNS[1:])
    if not (-LARGEST <= x0 < x1 <= LARGEST and -LARGEST <= y0 < y1 <= LARGEST):
        raise ValueError(f"Expected x0 < x1 and y0 < y1 in pixels, but got {x0:g}, {y0:g}, {x1:g}, {y1:g}.")
    return x0, y0, x1, y1


def _cut(path: Path, view: View | None, size: tuple[int, ...]) -> Tensor:
    """Read a mask, and cut it as its photo was; where no photo was, it is resized."""
    height, width = size
    try:
        image = read(path).convert("L")
    except ImageError as error:
        raise UsageError(f"Expected an image in --regions, but {str(path)!r}: {error}.") from error
    box = None if view is None else _scaled(view, image.size)
    shown = image.resize((width, height), Image.Resampling.BILINEAR, box=box)
    return torch.from_numpy(np.array(shown)).float() / 255


def _scaled(view: View, size: tuple[int, int]) -> Box:
    """Carry a view's crop over to an image of the same photo at another size."""
    across, down = (one / other for one, other in zip(size, view.photo, strict=True))
    left, top, right, bottom = view.crop
    return left * across, top * down, right * across, bottom * down
