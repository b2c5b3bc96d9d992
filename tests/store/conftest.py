"""Stores in a temporary folder, and entries with random masks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from captum_scd.masks import FIDOMasks
from captum_scd.store import Entry, MaskStore

Make = Callable[..., Entry]

IDENTITY: dict[str, Any] = {
    "settings": {"n_iterations": 60, "seed": 0},
    "model": "c0ffee",
    "classes": ["crane", "finch"],
    "preparation": {"size": 20},
}


@pytest.fixture
def identity() -> dict[str, Any]:
    return IDENTITY


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "masks.zarr"


@pytest.fixture
def store(place: Path, identity: dict[str, Any]) -> MaskStore:
    return MaskStore.create(place, identity)


@pytest.fixture
def entry() -> Make:
    """Make an entry with masks that depend on its key."""

    def make(
        key: str, grid: tuple[int, ...] = (5, 4), size: tuple[int, ...] = (20, 16), **facts: Any
    ) -> Entry:
        generator = torch.Generator().manual_seed(sum(key.encode()))
        ssr, sdr = torch.rand(2, 1, 1, *grid, generator=generator)
        told = {"probability": {"image": 0.9, "ssr": 0.8}, "areas": {"ssr": 0.25}, **facts}
        return Entry(key, FIDOMasks(ssr, sdr, size), target=1, predicted=0, **told)

    return make
