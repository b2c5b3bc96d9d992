"""The same seed gives the same result, alone or in company, whatever happened before."""

import pytest
import torch
from models import TinyConv
from quick import explain
from torch import Tensor, nn

RANDOM = pytest.mark.parametrize("infill", ["blur", "uniform", "normal", "shuffle"])


@RANDOM
def test_the_same_seed_gives_the_same_bits_whatever_the_global_random_state(
    net, images: Tensor, infill: str
) -> None:
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        results.append(explain(net, images, seed=3, strategies={"infill": infill}))
    assert torch.equal(*results)


def test_another_seed_gives_another_result(net: nn.Module, images: Tensor) -> None:
    assert not torch.equal(explain(net, images, seed=3), explain(net, images, seed=4))


@RANDOM
def test_an_example_does_not_depend_on_its_neighbours(net: nn.Module, images: Tensor, infill: str) -> None:
    options = {"strategies": {"infill": infill}, "tv_weight": 0.0}
    together = explain(net, images, **options)
    torch.testing.assert_close(explain(net, images.flip(0), **options).flip(0), together, rtol=0, atol=1e-4)
    for i in range(3):
        torch.testing.assert_close(
            explain(net, images[i : i + 1], **options), together[i : i + 1], rtol=0, atol=1e-4
        )


def test_an_example_does_not_depend_on_its_neighbours_with_total_variation(
    net: nn.Module, images: Tensor
) -> None:
    target = [0, 4, 2]
    alone = [explain(net, images[i : i + 1], target[i], tv_weight=20.0) for i in range(3)]
    torch.testing.assert_close(
        explain(net, images, target, tv_weight=20.0), torch.cat(alone), rtol=0, atol=1e-4
    )


@pytest.mark.filterwarnings("ignore:The model is in training mode")
def test_a_model_that_draws_at_random_draws_alike_twice(images: Tensor) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(TinyConv(), nn.Dropout(0.5)).train()
    assert torch.equal(explain(model, images), explain(model, images))
