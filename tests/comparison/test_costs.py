"""Costs, against what is known to have been spent."""

import time

import pytest
import torch
from models import Additive
from torch import Tensor, nn

from captum_scd import compare
from captum_scd.comparison.costs import metered
from captum_scd.comparison.question import make_question

MEGABYTE = 2**20


def _cost(model, images: Tensor, method):
    rows = compare(model, images, 0, {"it": method}, ["total_variation"]).rows
    assert rows["it"].status == "done", rows["it"].note
    return rows["it"].cost


@pytest.mark.parametrize(
    ("method", "forward", "backward"),
    [
        ("random", 0, 0),
        ("saliency", 0, 1),
        ("gradcam", 0, 1),
        ("smoothgrad", 0, 25),
        ("integrated_gradients", 0, 50),
        ("occlusion", 1 + 12 * 10, 0),
    ],
)
def test_passes_are_those_that_the_definition_needs(net, images, method, forward: int, backward: int) -> None:
    cost = _cost(net, images, method)
    assert (cost.forward, cost.backward) == (forward, backward)


def test_freezing_the_parameters_does_not_change_the_count(net, images: Tensor) -> None:
    quick = ("fido", {"n_iterations": 4, "mask_size": 4, "n_restarts": 1})
    trainable = _cost(net, images, quick)
    frozen = _cost(net.requires_grad_(False), images, quick)
    assert (trainable.forward, trainable.backward) == (frozen.forward, frozen.backward)
    assert trainable.backward == 2 * 4


def test_passes_of_the_metrics_are_not_charged(net, images: Tensor) -> None:
    rows = compare(net, images, methods=["random"], metrics=["insertion"]).rows
    assert rows["random"].cost.forward == 0


def test_seconds_are_an_image(images: Tensor) -> None:
    def sleepy(inputs: Tensor) -> Tensor:
        time.sleep(0.3)
        return torch.ones_like(inputs)

    assert 0.1 <= _cost(Additive().eval(), images, sleepy).seconds < 1


def test_memory_is_not_told_of_the_processor(images: Tensor) -> None:
    assert _cost(Additive().eval(), images, "random").peak_bytes is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_memory_on_cuda_is_that_of_the_greatest_moment(images: Tensor) -> None:
    def wasteful(inputs: Tensor) -> Tensor:
        for size in (10, 80, 20):
            torch.ones(size * MEGABYTE, dtype=torch.uint8, device=inputs.device)
        return torch.ones_like(inputs)

    peak = _cost(Additive().eval().cuda(), images.cuda(), wasteful).peak_bytes
    assert 80 * MEGABYTE <= peak <= 85 * MEGABYTE


def test_nothing_is_known_of_functions(images: Tensor) -> None:
    model = nn.Flatten()
    cost = _cost(lambda x: model(x)[:, :5], images, "saliency")
    assert (cost.forward, cost.backward) == (None, None)


def test_measuring_ends_with_an_error(net, images: Tensor) -> None:
    question = make_question(net, images, 0, None, "blur", None, 64, 0)
    with pytest.raises(ArithmeticError), metered(question) as meter:
        raise ArithmeticError
    assert meter.cost is None
    assert not net._forward_hooks


def test_what_measuring_costs_is_told_beside_the_maps(net, images: Tensor) -> None:
    comparison = compare(net, images, methods=["random", "saliency"], metrics=["insertion"])
    measuring = [row.measuring.forward for row in comparison.rows.values()]
    assert measuring == [2 * 40, 2 * 40]
    assert "measuring: 160 forward passes" in comparison.to_markdown()
    assert comparison.to_dict()["methods"]["random"]["measuring"]["forward"] == 80
