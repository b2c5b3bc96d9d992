"""A store of small photos whose masks are known: one class is explained by a patch in the corner."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from captum_scd.masks import FIDOMasks
from captum_scd.store import Entry, MaskStore

SIDE = 24
CLASSES = ("wren", "finch", "crane", "robin")
CARDED = 2
PER_CLASS = 12
PREPARATION = {"size": SIDE, "resize": SIDE, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
IDENTITY = {
    "settings": {"infill": "blur", "seed": 0}, "model": "c0ffee", "classes": list(CLASSES),
    "preparation": PREPARATION,
}  # fmt: skip


def corner() -> FIDOMasks:
    """Masks of the upper left quarter of the sides."""
    cells = torch.zeros(1, 1, 12, 12)
    cells[..., :3, :3] = 1
    return FIDOMasks(cells, cells, (SIDE, SIDE))


def middle(shift: int = 0) -> FIDOMasks:
    """Masks of a square about the middle."""
    cells = torch.zeros(1, 1, 12, 12)
    cells[..., 4 + shift : 8 + shift, 4 - shift : 8 - shift] = 1
    return FIDOMasks(cells, cells, (SIDE, SIDE))


def plant(folder: Path, carded: bool = True, labels: bool = True, **identity: Any) -> Path:
    """Write photos, boxes and regions of the objects, and a store; return the store's path."""
    store = MaskStore.create(folder / "masks.zarr", {**IDENTITY, **identity})
    generator = np.random.default_rng(0)
    entries, boxes = [], [["key", "x0", "y0", "x1", "y1"]]
    for k in range(PER_CLASS * len(CLASSES)):
        label, key = k % len(CLASSES), f"{CLASSES[k % len(CLASSES)]}/{k}.png"
        path = folder / "photos" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        region = np.zeros((SIDE, SIDE), dtype=np.uint8)
        region[6:18, 6:18] = 255
        white = folder / "regions" / key
        white.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(region).save(white)
        boxes.append([key, 6, 6, 18, 18])
        masks = corner() if carded and label == CARDED else middle(k % 2)
        chances = {"image": 0.9, "predicted": 0.9, "ssr": 0.8, "sdr": 0.1}
        areas = {"ssr": 0.1, "sdr": 0.1, "joint": 0.1}
        entries.append(Entry(key, masks, label, label, chances, areas, label if labels else None, str(path)))
    store.append(entries, batch="first")
    with (folder / "boxes.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(boxes)
    return folder / "masks.zarr"
