"""Names that the examples in docstrings may use without importing them, and how many tests run at a time."""

import os

import pytest
import torch

MEMORY = 3 << 30
"""Bytes that a worker may take; those of the tests stay below half of it."""


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update(torch=torch, nn=torch.nn)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """As many as there are cores, as far as memory goes; on one core 0, which is this process alone."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    fit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEMORY
    workers = min(cores, fit)
    return workers if workers > 1 else 0
