"""Do time and memory stay linear as inputs grow? Signals, images and volumes, each in a process of its own.

    python benchmarks/large_inputs.py

Peak memory is that of the process, beyond what it has before it explains.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch
from torch import nn

from captum_scd import FIDOAttribution
from captum_scd.cli.option_types import whole_number
from captum_scd.tables import markdown

SIZES = (
    (40_000,),
    (80_000,),
    (160_000,),
    (256, 256),
    (512, 512),
    (1024, 1024),
    (32,) * 3,
    (48,) * 3,
    (64,) * 3,
)
CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
POOLS = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
MEBIBYTE = 2**10
"""In units of `ru_maxrss` on Linux."""


def measure(size: tuple[int, ...], n_iterations: int) -> tuple[float, float]:
    """Explain one input of that size; seconds, and mebibytes at the peak."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    axes = len(size)
    network = nn.Sequential(
        CONVOLUTIONS[axes](1, 4, 3, stride=2), nn.ReLU(), POOLS[axes](1), nn.Flatten(), nn.Linear(4, 3)
    ).eval()
    inputs = torch.randn(1, 1, *size)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    FIDOAttribution(network).attribute(inputs, target=1, n_iterations=n_iterations)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return time.perf_counter() - start, (peak - before) / MEBIBYTE


def row(size: tuple[int, ...], n_iterations: int) -> list[str]:
    """Measure in a fresh process, whose peak is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        seconds, peak = pool.submit(measure, size, n_iterations).result()
    count = torch.Size(size).numel()
    return [
        " x ".join(map(str, size)),
        f"{1e6 * seconds / count:.1f}",
        f"{1024 * peak / count:.2f}",
        f"{peak:.0f}",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=whole_number(1), default=4, help="%(default)s")
    options = parser.parse_args(arguments)
    headings = ["size", "µs per value", "KiB per value", "peak, MiB"]
    print(markdown(headings, [row(size, options.iterations) for size in SIZES]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
