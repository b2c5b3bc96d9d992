"""Images that workers load, slowly, leaving word of who did."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from models import TinyConv
from torch import Tensor, nn

from captum_scd.dataset import Sample


@dataclass(frozen=True)
class FarImage:
    """Noise of two sizes, different for each number; number 7 is broken."""

    number: int
    folder: Path
    seconds: float = 0.0

    def __call__(self) -> Tensor:
        (self.folder / f"{os.getpid()}.loaded").touch()
        time.sleep(self.seconds)
        if self.number == 7:
            raise OSError("no such image")
        shape = (3, 12, 10 + self.number % 2)
        return torch.randn(shape, generator=torch.Generator().manual_seed(self.number))


def far_images(count: int, folder: Path, seconds: float = 0.0) -> list[Sample]:
    folder.mkdir(parents=True, exist_ok=True)
    return [Sample(f"image {n}", FarImage(n, folder, seconds)) for n in range(count)]


def load() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return TinyConv().eval()


def other_weights() -> nn.Module:
    """A network whose weights depend on the process."""
    network = load()
    with torch.no_grad():
        network.head.bias += os.getpid()
    return network


def word_of(folder: Path) -> list[int]:
    """Processes that have loaded images."""
    return [int(path.stem) for path in folder.glob("*.loaded")]
