"""Benchmarks in small."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests' one thread: benchmarks take two, and all tests after them would wait for the other."""
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
