"""Small networks and inputs, the same in every test."""

import os

import pytest
import torch
from models import TinyConv
from torch import Tensor, nn

os.environ.setdefault("MPLBACKEND", "Agg")
torch.set_num_threads(1)  # the networks are too small to share; more threads only wait for each other


def _random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.fixture
def images() -> Tensor:
    return _random(3, 3, 12, 10)


@pytest.fixture
def net() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return TinyConv().eval()


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)
