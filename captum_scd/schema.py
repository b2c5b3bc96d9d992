"""What a file of masks may hold: checked once, before anyone works with it."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

MOST_BYTES = 2**30
"""Bytes that the arrays of a file may take unpacked, if the caller allows no more."""

FLOATS = ("float16", "bfloat16", "float32", "float64")
"""Data types of masks."""

MEMBER = re.compile(
    r"header|(alternatives\.\d+\.)*(ssr_cells|sdr_cells|infill|agreement_cells|(history|trajectory)\..+)"
)
"""Names of arrays."""


def check_members(path: Path, most_bytes: int) -> None:
    """Raise ValueError for an archive with foreign members, or too large ones, before any is unpacked."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    foreign = [one.filename for one in members if not MEMBER.fullmatch(one.filename.removesuffix(".npy"))]
    if foreign:
        raise ValueError(f"Expected arrays of masks, but got {foreign[0]!r}.")
    check_size(path, most_bytes)


def check_size(path: Path, most_bytes: int) -> None:
    """Raise ValueError for an archive that would unpack to more bytes than allowed."""
    with zipfile.ZipFile(path) as archive:
        size = sum(one.file_size for one in archive.infolist())
    if size > most_bytes:
        raise ValueError(f"Expected at most {most_bytes} bytes (`most_bytes`) unpacked, but got {size}.")


def data_type(name: object) -> torch.dtype:
    """Find the data type of that name, one of `FLOATS`."""
    if name not in FLOATS:
        raise ValueError(f"Expected data types among {', '.join(FLOATS)}, but got {name!r}.")
    found: torch.dtype = getattr(torch, str(name))
    return found


def check_header(size: object, settings: object, version: object) -> None:
    """Raise ValueError for a header whose entries have other types than those of masks."""
    if not isinstance(size, list) or not all(type(length) is int and length > 0 for length in size):
        raise ValueError(f"Expected a size of whole numbers above 0, but got {size!r}.")
    if not isinstance(settings, dict) or not isinstance(version, str):
        raise ValueError(f"Expected settings by name and a version, but got {settings!r} and {version!r}.")


def check_tensors(tensors: Mapping[str, Tensor], size: tuple[int, ...]) -> None:
    """Raise ValueError for tensors that do not fit one another, the size, or the range of masks."""
    cells = tensors["ssr_cells"]
    _check_cells(cells, size)
    for name, values in tensors.items():
        _check_shape(name, values, cells, size)
        if name.endswith("_cells") and not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"Expected {name} in [0, 1], but got others.")
    if "infill" in tensors and not tensors["infill"].isfinite().all():
        raise ValueError("Expected a finite infill, but got NaN or infinity.")


def _check_cells(cells: Tensor, size: tuple[int, ...]) -> None:
    lattice = cells.shape[2:]
    fits = cells.ndim >= 2 and (not size or len(lattice) == len(size))
    if not fits or any(n > length for n, length in zip(lattice, size, strict=False)):
        raise ValueError(f"Expected cells (N, 1, at most {size}), but got {tuple(cells.shape)}.")


def _check_shape(name: str, values: Tensor, cells: Tensor, size: tuple[int, ...]) -> None:
    shape: tuple[Any, ...] = tuple(values.shape)
    fits = {
        "history": shape[1:] == (len(cells),),
        "trajectory": shape[1:] == tuple(cells.shape),
        "infill": shape[:1] == (len(cells),) and shape[2:] == (size or shape[2:]),
    }.get(name.split(".")[0], shape == tuple(cells.shape))
    if not fits:
        raise ValueError(
            f"Expected {name} to fit cells {tuple(cells.shape)} and size {size}, but got {shape}."
        )
