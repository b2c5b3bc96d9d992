"""What an explanation costs: time, network passes, memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from captum_scd.comparison.question import Question
from captum_scd.passes import Passes, counted


@dataclass(frozen=True)
class Cost:
    """What the maps of a batch cost.

    Attributes:
        seconds: an image.
        forward: rows that only went forward through the network, an image; None where the model is a
            function or TorchScript, whose rows cannot be counted.
        backward: rows that went forward and kept the graph that a backward pass needs, an image.
        peak_bytes: memory of tensors on CUDA while the whole batch was explained, at most and beyond what was
            taken before; None on other devices.
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
    with _counted(model) as passes:
        start, before = _now(device), _taken(device)
        yield meter
        seconds = _now(device) - start
    meter.cost = Cost(seconds / count, *_rates(passes, count), _peak(device, before))


def _counted(model: Callable[..., Any]) -> AbstractContextManager[Passes | None]:
    """Count the rows, where the model takes hooks."""
    if isinstance(model, nn.Module) and not isinstance(model, torch.jit.ScriptModule):
        return counted(model)
    return nullcontext()


def _rates(passes: Passes | None, count: int) -> tuple[float | None, float | None]:
    return (None, None) if passes is None else (passes.forward / count, passes.backward / count)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _taken(device: torch.device) -> int:
    """Start to measure the most memory that tensors take, and say how much they take already."""
    if device.type != "cuda":
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def _peak(device: torch.device, before: int) -> int | None:
    return torch.cuda.max_memory_allocated(device) - before if device.type == "cuda" else None
