"""From an attribution to what is left: against NumPy's sort, first-order identities, exact shares."""

import numpy as np
import pytest
import torch
from torch import Tensor

from captum_scd.regularization.saliency import (
    by_unit,
    gradient_x_activation,
    most_salient,
    thresholds,
    without,
)

SHAPES = [(3, 40), (2, 5, 8), (2, 4, 6, 5)]


def _random(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("unit", ["feature", "channel", "position"])
@pytest.mark.parametrize("channel_dim", [1, -1])
def test_the_attribution_of_a_unit_is_what_a_linear_score_loses_with_it(unit: str, channel_dim: int) -> None:
    features, weights = _random(2, 4, 3, 5), _random(2, 4, 3, 5).flip(0)
    saliency = by_unit(gradient_x_activation(features, weights), unit, channel_dim)
    score = (features * weights).sum((1, 2, 3))
    units = torch.arange(saliency[0].numel()).view_as(saliency[0])
    for number in units.flatten():
        left = without(features, (units == number).expand_as(saliency), rescale=False)
        lost = score - (left * weights).sum((1, 2, 3))
        torch.testing.assert_close(saliency[:, units == number][:, 0], lost)


def test_one_unit_an_example_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 7\) has one position"):
        by_unit(torch.ones(2, 7), "position", 1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.29, 0.5, 0.99])
def test_the_most_salient_are_the_last_in_numpys_order(shape: tuple[int, ...], rate: float) -> None:
    saliency = _random(*shape)
    count = int(np.floor(round(rate * saliency[0].numel(), 6)))
    marked = most_salient(saliency, rate).flatten(1)
    for row, values in zip(marked, saliency.flatten(1).numpy(), strict=True):
        expected = np.argsort(values)[len(values) - count :]
        assert set(row.nonzero().flatten().tolist()) == set(expected.tolist())


@pytest.mark.parametrize(
    ("units", "rate", "count"), [(100, 0.29, 29), (10, 0.1, 1), (9, 0.1, 0), (3, 0.999, 2)]
)
def test_shares_are_counted_downwards_and_without_round_off(units: int, rate: float, count: int) -> None:
    assert most_salient(torch.rand(2, units), rate).sum(1).tolist() == [count, count]


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0])
def test_ties_are_never_dropped_beyond_the_share(value: float) -> None:
    assert most_salient(torch.full((3, 5, 4, 4), value), 0.1).flatten(1).sum(1).tolist() == [8, 8, 8]


def test_of_the_features_without_any_saliency_the_harmful_are_dropped_last() -> None:
    assert most_salient(torch.tensor([[-1.0, 0.0, 2.0, -3.0]]), 0.5).tolist() == [[False, True, True, False]]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
def test_what_is_above_its_threshold_is_the_most_salient_share(shape: tuple[int, ...], rate: float) -> None:
    saliency = _random(*shape).abs()
    limit = thresholds(saliency, rate).view(-1, *(1,) * (len(shape) - 1))
    assert torch.equal(saliency > limit, most_salient(saliency, rate))


def test_thresholds_let_through_what_is_not_salient() -> None:
    assert thresholds(torch.tensor([[0.0, 0.0, 0.0], [-1.0, -2.0, -3.0]]), 0.5).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_what_is_left_keeps_its_values_and_gradients(dtype: torch.dtype) -> None:
    features = _random(2, 3, 4, 4, dtype=dtype).requires_grad_()
    dropped = most_salient(features.detach(), 0.25)
    left = without(features, dropped, rescale=False)
    assert left.dtype == dtype
    assert torch.equal(left, torch.where(dropped, 0, features))
    left.sum().backward()
    assert torch.equal(features.grad, (~dropped).to(dtype))


def test_rescaling_keeps_the_mean_of_a_constant_map() -> None:
    features = torch.full((3, 4, 5, 5), 2.0)
    dropped = torch.rand((3, 1, 5, 5), generator=torch.Generator().manual_seed(0)) < torch.tensor(
        [0.1, 0.5, 0.9]
    ).view(3, 1, 1, 1)
    means = without(features, dropped, rescale=True).mean((1, 2, 3))
    torch.testing.assert_close(means, torch.full((3,), 2.0))


def test_rescaling_nothing_gives_nothing() -> None:
    assert without(torch.ones(1, 2, 3), torch.ones(1, 2, 3, dtype=torch.bool), rescale=True).tolist() == [
        [[0.0] * 3] * 2
    ]


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 4, 1, 1), (2, 3, 4, 5)], ids=str)
def test_units_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"broadcasts to the layer's output \(2, 3, 4, 4\)"):
        without(torch.zeros(2, 3, 4, 4), torch.zeros(shape, dtype=torch.bool), rescale=False)
