"""What an explanation costs: time, network passes, memory."""

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from mmap import PAGESIZE
from pathlib import Path

import torch
from torch import nn

from captum_scd.comparison.question import Question
from captum_scd.passes import Passes, counted

RESIDENT = Path("/proc/self/statm")
"""Where Linux tells how much of the process is in memory."""

INTERVAL = 0.005
"""Seconds between two looks at it."""


@dataclass(frozen=True)
class Cost:
    """What the maps of a batch cost.

    Attributes:
        seconds: an image.
        forward: rows that only went forward through the network, an image; None where the model is a
            function, whose rows cannot be counted.
        backward: rows that went forward and kept the graph that a backward pass needs, an image.
        peak_bytes: memory taken while the whole batch was explained, at most and beyond what was taken
            before. On CUDA that of the tensors; on the CPU that of the process, on Linux with the GNU C
            library; None elsewhere.
    """

    seconds: float
    forward: float | None
    backward: float | None
    peak_bytes: int | None


@dataclass
class Meter:
    """What has been measured; `cost` is there once the work is done."""

    cost: Cost | None = None


@contextmanager
def metered(question: Question) -> Iterator[Meter]:
    """Measure what the work inside costs."""
    meter, count = Meter(), len(question.inputs)
    device = question.inputs.device
    model = question.model
    with counted(model) if isinstance(model, nn.Module) else nullcontext() as passes, _peak(device) as peak:
        start = _now(device)
        yield meter
        seconds = _now(device) - start
    meter.cost = Cost(seconds / count, *_rates(passes, count), peak.bytes)


def _rates(passes: Passes | None, count: int) -> tuple[float | None, float | None]:
    return (None, None) if passes is None else (passes.forward / count, passes.backward / count)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@dataclass
class _Peak:
    bytes: int | None = None


@contextmanager
def _peak(device: torch.device) -> Iterator[_Peak]:
    """Measure the most memory that the work inside takes, beyond what was taken before."""
    peak = _Peak()
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device) - before
    elif device.type == "cpu" and RESIDENT.exists() and _give_back():
        with _watched() as most:
            yield peak
        peak.bytes = most[0]
    else:
        yield peak


def _give_back() -> bool:
    """Return freed memory to the system, or what one method has freed is not counted for the next."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return False
    return True


@contextmanager
def _watched() -> Iterator[list[int]]:
    """Look at the process's memory, from a thread, every few milliseconds."""
    before, most, done = _resident(), [0], threading.Event()

    def watch() -> None:
        while not done.wait(INTERVAL):
            most[0] = max(most[0], _resident() - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def _resident() -> int:
    return int(RESIDENT.read_text().split()[1]) * PAGESIZE
