"""Several threads that explain with one model: what each gets, and what they leave behind."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from models import TinyConv
from quick import explain
from torch import Tensor, nn

from captum_scd.comparison import compare

THREADS = 4


def _state(net: nn.Module) -> list[Tensor]:
    return [torch.get_rng_state(), *(buffer.clone() for buffer in net.buffers())]


@pytest.mark.filterwarnings("ignore:The model is in training mode")
def test_threads_with_one_model_get_what_they_would_get_one_after_another(images: Tensor) -> None:
    net = nn.Sequential(TinyConv(), nn.Dropout(0.5)).train()
    before = _state(net)

    def work(number: int) -> Tensor:
        return explain(net, images, target=number % 3, seed=number)

    alone = [work(number) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        together = list(threads.map(work, range(THREADS)))
    assert all(map(torch.equal, alone, together))
    assert all(map(torch.equal, before, _state(net)))


def test_threads_that_compare_leave_no_hooks(net: nn.Module, images: Tensor) -> None:
    def work(_: int) -> Tensor:
        return compare(net, images, target=1, methods=["gradcam", "saliency"]).rows["gradcam"].map

    alone = work(0)
    with ThreadPoolExecutor(THREADS) as threads:
        assert all(torch.equal(alone, found) for found in threads.map(work, range(THREADS)))
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in net.modules())
