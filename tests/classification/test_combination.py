"""Several looks, one answer: identities and weighted means written out."""

import pytest
import torch
from scipy.special import logsumexp, softmax
from torch import Tensor

from captum_scd.classification import COMBINATIONS


@pytest.fixture
def looks() -> Tensor:
    return 3 * torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("name", list(COMBINATIONS))
def test_equal_looks_leave_the_answer_as_it_is(looks: Tensor, name: str) -> None:
    first = looks[:, :1]
    combined = COMBINATIONS[name](first.expand(-1, 3, -1))
    torch.testing.assert_close(combined.softmax(1), first[:, 0].softmax(1))


@pytest.mark.parametrize("name", list(COMBINATIONS))
def test_logits_up_to_a_constant_mean_the_same(looks: Tensor, name: str) -> None:
    shifted = looks + torch.arange(15.0).view(5, 3, 1)
    combined = COMBINATIONS[name](shifted)
    torch.testing.assert_close(combined.softmax(1), COMBINATIONS[name](looks).softmax(1))


def test_replacing_forgets_the_first_look(looks: Tensor) -> None:
    assert torch.equal(COMBINATIONS["replace"](looks[:, :2]), looks[:, 1])
    changed = looks.clone()
    changed[:, 0] = 100 * looks[:, 0].flip(1)
    assert torch.equal(COMBINATIONS["replace"](changed), COMBINATIONS["replace"](looks))


def test_means_are_geometric_and_arithmetic(looks: Tensor) -> None:
    probability = softmax(looks.numpy(), axis=2)
    geometric = probability.prod(1) ** (1 / 3)
    geometric /= geometric.sum(1, keepdims=True)
    told = {name: COMBINATIONS[name](looks).softmax(1).numpy() for name in COMBINATIONS}
    assert told["mean_logits"] == pytest.approx(geometric)
    assert told["mean_probabilities"] == pytest.approx(probability.mean(1))


def test_confidence_weighs_by_the_largest_probability(looks: Tensor) -> None:
    probability = softmax(looks.numpy(), axis=2)
    weight = probability.max(2)
    expected = (weight[..., None] * probability).sum(1) / weight.sum(1, keepdims=True)
    combined = COMBINATIONS["confidence"](looks).numpy()
    assert softmax(combined, axis=1) == pytest.approx(expected)
    assert logsumexp(combined, axis=1) == pytest.approx(0)


@pytest.mark.parametrize("name", ["mean_probabilities", "confidence"])
def test_an_unsure_look_counts_less_than_among_logits(name: str) -> None:
    sure, other = torch.tensor([8.0, 0.0, 0.0]), torch.tensor([0.0, 0.3, 0.0])
    looks = torch.stack([sure, other])[None]
    assert COMBINATIONS[name](looks).argmax() == 0
    assert COMBINATIONS[name](looks).isfinite().all()


@pytest.mark.parametrize("name", list(COMBINATIONS))
def test_extreme_logits_stay_finite(name: str) -> None:
    looks = torch.tensor([[[1e4, -1e4], [-1e4, 1e4]]])
    assert not COMBINATIONS[name](looks).isnan().any()
