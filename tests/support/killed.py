"""A run over a data set, for tests that kill it; in a module of its own, for processes to import.

Images of two sizes, one that cannot be loaded; a network whose every pass takes so many seconds longer.
"""

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import zarr  # noqa: F401  (a second of importing, which is of no interest to whoever kills at random)
from torch import Tensor, nn

from captum_scd.dataset import Outcome, Sample, explain_dataset

COUNT = 30
BROKEN = "image 13"


class Slow(nn.Module):
    """The mean of each third of the columns, as three logits."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, x: Tensor) -> Tensor:
        time.sleep(self.seconds)
        return 5 * torch.stack([part.mean((1, 2, 3)) for part in x.tensor_split(3, dim=3)], dim=1)


def images(count: int = COUNT) -> Iterator[Sample]:
    """Random images, the same in every process."""
    for number in range(count):
        generator = torch.Generator().manual_seed(number)
        image = torch.rand(3, 12, 9 if number % 3 else 12, generator=generator)
        broken = f"image {number}" == BROKEN
        yield Sample(f"image {number}", _raise if broken else image, label=number % 3)


def _raise() -> Tensor:
    raise OSError("cut short")


def run(store: str, seconds: float = 0.0) -> Outcome:
    """Explain all of them, in parts of five."""
    return explain_dataset(
        Slow(seconds).eval(),
        images(),
        store,
        batch_size=2,
        part_size=5,
        n_iterations=3,
        mask_size=4,
        show_progress=False,
    )


def run_told(store: str, seconds: float, told: str) -> None:
    """Do the same, and write what goes to standard error into a file."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    with Path(told).open("w", buffering=1) as file, contextlib.redirect_stderr(file):
        try:
            run(store, seconds)
        except KeyboardInterrupt:
            print("interrupted", file=file)
