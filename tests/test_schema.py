"""Files that hold something else than masks are refused at the door, in one sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from captum_scd import FIDOMasks

CELLS = np.full((1, 1, 2, 2), 0.5, dtype="f4")
FLOAT = {"ssr_cells": "float32", "sdr_cells": "float32"}


def _write(path: Path, arrays: dict[str, Any], raw: str | None = None, **header: Any) -> Path:
    told = {"format": "captum_scd masks 1", "version": "0", "size": [4, 4], "dtypes": FLOAT, "settings": {}}
    whole = {"ssr_cells": CELLS, "sdr_cells": CELLS, **arrays}
    names = {**FLOAT, **dict.fromkeys(arrays, "float32")}
    text = raw or json.dumps({**told, "dtypes": names, **header})
    np.savez_compressed(path, header=np.array(text), **whole)
    return path


WRONG: dict[str, dict[str, Any]] = {
    "NaN": {"arrays": {"ssr_cells": CELLS * np.nan}},
    "range": {"arrays": {"sdr_cells": CELLS * 3}},
    "agreement": {"arrays": {"agreement_cells": -CELLS}},
    "axes": {"arrays": {"ssr_cells": np.zeros(3, "f4"), "sdr_cells": np.zeros(3, "f4")}},
    "rows": {"arrays": {"sdr_cells": np.zeros((3, 1, 2, 2), "f4")}},
    "more cells than pixels": {"size": [1, 4]},
    "negative size": {"size": [-4, 4]},
    "size of words": {"size": "ab"},
    "settings": {"settings": [1]},
    "version": {"version": 1},
    "integers": {"dtypes": {**FLOAT, "ssr_cells": "int64"}},
    "quantised": {"dtypes": {**FLOAT, "ssr_cells": "quint8"}},
    "nested": {"raw": "[" * 200_000},
    "infill": {"arrays": {"infill": np.zeros((1, 3, 2, 2), "f4")}},
    "infinite infill": {"arrays": {"infill": np.full((1, 3, 4, 4), np.inf, "f4")}},
    "history": {"arrays": {"history.loss": np.zeros((5, 2), "f4")}},
    "trajectory": {"arrays": {"trajectory.ssr_cells": np.zeros((5, 1, 1, 3, 2), "f4")}},
    "foreign": {"arrays": {"weights": CELLS}},
    "alternative": {"alternatives": [{}]},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_what_are_no_masks_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = _write(tmp_path / "masks.npz", **{"arrays": {}, **wrong})
    with pytest.raises(ValueError, match=r"Expected .*masks.npz to be"):
        FIDOMasks.load(path)


def test_masks_of_such_a_file_are_read(tmp_path: Path) -> None:
    assert torch.equal(FIDOMasks.load(_write(tmp_path / "masks.npz", {})).ssr_cells, torch.from_numpy(CELLS))


def test_a_file_that_would_unpack_to_more_than_allowed_is_not_unpacked(tmp_path: Path) -> None:
    path = _write(tmp_path / "masks.npz", {"infill": np.zeros((1, 3, 4, 4), "f4")})
    with pytest.raises(ValueError, match="at most 300 bytes"):
        FIDOMasks.load(path, most_bytes=300)
    assert FIDOMasks.load(path, most_bytes=10_000).infill is not None
