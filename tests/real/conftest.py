"""A real network and real photos, where they are; a clear reason where they are not."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

SIZE = 227
EVERY = 12
"""Of the 48 photos, sorted by name, the tests take every twelfth."""

DEFAULT = Path(__file__).resolve().parents[2] / ".." / "shared" / "real"


@dataclass(frozen=True)
class Photos:
    """Photos as the network takes them, and the classes it sees in them."""

    paths: list[Path]
    inputs: Tensor
    targets: Tensor


@pytest.fixture(scope="module", autouse=True)
def threads() -> Iterator[None]:
    """Let this network, unlike the tiny ones, have two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", autouse=True)
def no_bytecode() -> Iterator[None]:
    """Write no `__pycache__` into the data folder."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    yield
    sys.dont_write_bytecode = before


@pytest.fixture(scope="module")
def data() -> Path:
    folder = Path(os.environ.get("CAPTUM_SCD_REAL_DATA") or DEFAULT).resolve()
    missing = [name for name in ("squeezenet.py", "squeezenet1_0.pt") if not (folder / name).is_file()]
    if missing or not any(folder.glob("imagenet/*.jpg")):
        lacks = missing[0] if missing else "imagenet/*.jpg"
        pytest.skip(
            f"no {lacks} in the real data folder; set CAPTUM_SCD_REAL_DATA, or put it at ../shared/real"
        )
    return folder


@pytest.fixture(scope="module")
def network(data: Path, no_bytecode: None) -> nn.Module:
    spec = importlib.util.spec_from_file_location("real_squeezenet", data / "squeezenet.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model: nn.Module = module.load()
    return model.to(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def photos(data: Path, network: nn.Module) -> Photos:
    paths = sorted(data.glob("imagenet/*.jpg"))[::EVERY]
    inputs = torch.cat([_read(path) for path in paths]).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        targets = network(inputs).argmax(1)
    return Photos(paths, inputs, targets)


def _read(path: Path) -> Tensor:
    """Read the middle of a photo, not resampled, as normalised RGB (1, 3, SIZE, SIZE)."""
    with Image.open(path) as file:
        left, top = (file.width - SIZE) // 2, (file.height - SIZE) // 2
        image = file.convert("RGB").crop((left, top, left + SIZE, top + SIZE))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1) for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    return (pixels - mean) / std
