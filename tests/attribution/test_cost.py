"""What a run may cost: no gradient of a weight, however the model's parameters are set."""

from typing import Any

import pytest
import torch
from models import TinyConv
from quick import explain
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class Convolutions(TorchDispatchMode):
    """Notes which gradients each convolution is asked for: of its input, weight and bias."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[bool]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution_backward.default:
            self.asked.append(list(args[-1]))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("trainable", [True, False])
def test_no_gradient_of_a_weight_is_computed(images: Tensor, trainable: bool) -> None:
    model = TinyConv().eval().requires_grad_(trainable)
    with Convolutions() as seen:
        explain(model, images, target=1)
    assert seen.asked
    assert all(asked == [True, False, False] for asked in seen.asked)


def test_training_would_be_seen(images: Tensor) -> None:
    with Convolutions() as seen:
        TinyConv()(images).sum().backward()
    assert all(asked[1] for asked in seen.asked)
