"""Sensitivity: methods whose change under noise is known, and what is left as it was."""

import math
import random as python
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import GradientShap, IntegratedGradients, LayerGradCam, NoiseTunnel, Saliency
from models import Additive, TinyConv
from quick import QUICK
from torch import Tensor, nn

from captum_scd import FIDOAttribution
from captum_scd.metrics import sensitivity

pytestmark = pytest.mark.filterwarnings("ignore:Input Tensor 0 did not already require gradients")


class Noted:
    """The inputs themselves, less a baseline, as the map; notes what it is called with."""

    def __init__(self) -> None:
        self.inputs: list[Tensor] = []

    def __call__(self, inputs: Tensor, baselines: Tensor | float = 0.0) -> Tensor:
        assert isinstance(inputs, Tensor)
        self.inputs.append(inputs.clone())
        return inputs - baselines

    def changes(self, inputs: Tensor) -> Tensor:
        """(calls, N) norm of what was added to each example."""
        return torch.stack([(one - inputs).flatten(1).norm(dim=1) for one in self.inputs])


def test_the_map_that_is_the_input_moves_by_the_noise(images: Tensor) -> None:
    method = Noted()
    found = sensitivity(method, images, radius=0.1, n_samples=6)
    expected = method.changes(images).amax(0) / images.flatten(1).norm(dim=1)
    torch.testing.assert_close(found.value, expected)
    assert found.floor.tolist() == [0, 0, 0]


def test_noise_is_uniform_within_the_radius_and_the_same_for_all_examples(images: Tensor) -> None:
    method = Noted()
    sensitivity(method, images, radius=0.1, n_samples=50)
    noise = torch.stack(method.inputs)[1:51] - images
    assert 0.099 < noise.abs().max() <= 0.1001
    assert noise.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.02)
    assert noise.mean().abs() < 0.001
    torch.testing.assert_close(noise, noise[:, :1].expand_as(noise), rtol=0, atol=1e-6)
    assert (noise[:, :, 0] - noise[:, :, 1]).abs().mean() > 0.05
    assert (noise[0] - noise[1]).abs().mean() > 0.05


def test_noise_is_the_same_for_a_method_that_draws_itself(images: Tensor) -> None:
    steady, drawing = Noted(), Noted()
    sensitivity(steady, images, n_samples=3)
    sensitivity(lambda x: drawing(x) + torch.rand(()), images, n_samples=3)
    assert all(torch.equal(a, b) for a, b in zip(steady.inputs[:4], drawing.inputs[:4], strict=True))


def test_by_default_there_are_ten_draws_within_a_fiftieth_and_three_explanations_more(images: Tensor) -> None:
    method = Noted()
    sensitivity(method, images)
    assert len(method.inputs) == 10 + 3
    assert 0.0199 < (torch.stack(method.inputs) - images).abs().max() < 0.0201


def test_the_floor_of_a_method_that_draws_a_little_is_low(images: Tensor) -> None:
    found = sensitivity(lambda x: x + 0.001 * torch.rand_like(x), images, radius=0.5)
    assert 0 < found.floor.min() < found.floor.max() < 0.002
    assert found.value.min() > 0.1


def test_inputs_keep_their_precision(images: Tensor) -> None:
    method = Noted()
    sensitivity(method, images.bfloat16(), n_samples=2)
    assert {one.dtype for one in method.inputs} == {torch.bfloat16}


def test_arguments_other_than_baselines_reach_the_method_as_they_are(images: Tensor) -> None:
    given: list[Any] = []

    def method(inputs: Tensor, layers: tuple[int, ...]) -> Tensor:
        given.append(layers)
        return inputs

    sensitivity(method, images, n_samples=2, layers=(3,))
    assert set(given) == {(3,)}


def test_an_example_is_measured_the_same_in_any_batch(net: nn.Module, images: Tensor) -> None:
    def measure(rows: slice) -> Tensor:
        return sensitivity(
            IntegratedGradients(net).attribute,
            images[rows],
            baselines=images.flip(0)[rows],
            target=[0, 3, 1][rows],
            n_samples=3,
            n_steps=4,
        ).value

    whole = measure(slice(None))
    assert whole.min() > 0
    torch.testing.assert_close(torch.cat([measure(slice(i, i + 1)) for i in range(3)]), whole)


def test_gradients_of_a_linear_model_do_not_move(images: Tensor) -> None:
    found = sensitivity(Saliency(Additive()).attribute, images, target=0)
    assert found.value.max() < 1e-6


def test_without_noise_the_value_is_the_floor(net: nn.Module, images: Tensor) -> None:
    found = sensitivity(IntegratedGradients(net).attribute, images, radius=0.0, target=0, n_steps=4)
    assert found.value.tolist() == found.floor.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("baselines", "target"),
    [(None, 2), (0.5, [0, 3, 1]), ("one", torch.tensor([0, 3, 1])), ("each", torch.tensor([0, 3, 1]))],
    ids=["None-int", "number-list", "one-tensor", "each-tensor"],
)
def test_masks_are_learned_anew_under_the_same_baselines_and_repeat_themselves(
    net: nn.Module, images: Tensor, baselines: Any, target: Any
) -> None:
    tensors = {"one": torch.zeros_like(images[:1]), "each": torch.zeros_like(images)}
    found = sensitivity(
        partial(FIDOAttribution(net).attribute, **QUICK),
        images,
        radius=0.05,
        n_samples=2,
        baselines=tensors.get(baselines, baselines),
        target=target,
        feature_mask=torch.arange(360).view(3, 1, 12, 10) // 7,
    )
    assert found.floor.tolist() == [0, 0, 0]
    assert found.value.min() > 0


def test_baselines_reach_the_method_as_they_are(images: Tensor) -> None:
    for baselines in (0.5, images.flip(0), (images.flip(0),), images[:1] * 2):
        method = Noted()
        found = sensitivity(method, images, n_samples=3, baselines=baselines)
        given = baselines[0] if isinstance(baselines, tuple) else baselines
        expected = method.changes(images).amax(0) / (images - given).flatten(1).norm(dim=1).clamp(min=1e-9)
        moved = (images != given).flatten(1).any(1) if isinstance(given, Tensor) else torch.ones(3).bool()
        torch.testing.assert_close(found.value[moved], expected[moved])


def test_maps_of_another_size_than_the_inputs_are_measured_too(net: nn.Module, images: Tensor) -> None:
    found = sensitivity(LayerGradCam(net, net.body[0]).attribute, images, n_samples=2, target=0)
    assert (found.value > found.floor).all()


def test_the_floor_is_what_a_methods_own_randomness_contributes(images: Tensor) -> None:
    def pure_noise(inputs: Tensor) -> Tensor:
        return torch.randn(len(inputs), 1, 40, 40)

    found = sensitivity(pure_noise, images, n_samples=8)
    torch.testing.assert_close(found.floor, torch.full((3,), math.sqrt(2)), rtol=0.1, atol=0)
    torch.testing.assert_close(found.value, found.floor, rtol=0.1, atol=0)
    assert torch.equal(found.value, sensitivity(pure_noise, images, n_samples=8).value)
    assert not torch.equal(found.value, sensitivity(pure_noise, images, n_samples=8, seed=1).value)


def test_the_floor_is_the_greatest_change_of_as_many_draws_as_the_value() -> None:
    def coarse_noise(inputs: Tensor) -> Tensor:
        return torch.randn(len(inputs), 1)

    many, one = (sensitivity(coarse_noise, torch.ones(500, 4), n_samples=count) for count in (20, 1))
    assert many.floor.median().item() == pytest.approx(many.value.median().item(), rel=0.2)
    assert one.floor.median().item() == pytest.approx(one.value.median().item(), rel=0.2)
    assert many.floor.median() > 2 * one.floor.median()


def test_maps_may_be_views_that_repeat_a_channel(images: Tensor) -> None:
    once, repeated = (
        sensitivity(lambda x, shape=shape: x.mean(1, keepdim=True).expand(shape), images, n_samples=2)
        for shape in ((3, 1, 12, 10), (3, 3, 12, 10))
    )
    torch.testing.assert_close(once.value, repeated.value)


def _smoothed(net: nn.Module) -> partial:
    return partial(NoiseTunnel(Saliency(net)).attribute, nt_samples=2, target=0)


def _shap(net: nn.Module) -> partial:
    return partial(GradientShap(net).attribute, baselines=torch.zeros(2, 3, 12, 10), n_samples=2, target=0)


@pytest.mark.parametrize("method", [_smoothed, _shap])
def test_methods_that_draw_at_random_have_a_floor_and_repeat_with_the_seed(
    net: nn.Module, images: Tensor, method
) -> None:
    first, second = (sensitivity(method(net), images, n_samples=3, seed=4) for _ in range(2))
    assert first.floor.min() > 0.01
    assert torch.equal(first.value, second.value)
    assert torch.equal(first.floor, second.floor)


@pytest.mark.parametrize("fail", [False, True], ids=["success", "interrupt"])
def test_random_states_and_inputs_are_left_as_they_were(images: Tensor, fail: bool) -> None:
    def restless(inputs: Tensor) -> Tensor:
        draws = torch.rand(()).item() + np.random.rand() + python.random()
        if fail and draws >= 0:
            raise KeyboardInterrupt
        return inputs.mul_(draws)

    inputs = images.clone().requires_grad_()
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), python.getstate()
    with pytest.raises(KeyboardInterrupt) if fail else nullcontext():
        sensitivity(restless, inputs, n_samples=2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    assert python.getstate() == before[2]
    assert torch.equal(inputs, images)
    assert inputs.requires_grad
    assert inputs.grad is None


@pytest.mark.parametrize("bind", [False, True], ids=["method", "partial"])
def test_a_model_in_training_mode_is_left_as_it_was(images: Tensor, bind: bool) -> None:
    model = TinyConv().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    method = Saliency(model).attribute
    sensitivity(
        partial(method, target=0) if bind else method, images, n_samples=2, **({} if bind else {"target": 0})
    )
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert all(part.training for part in model.modules())
    assert not any(part._forward_hooks or part._backward_hooks for part in model.modules())


def test_a_model_that_is_the_method_itself_is_left_as_it_was(images: Tensor) -> None:
    model = nn.BatchNorm2d(3).train()
    sensitivity(model, images, n_samples=2)
    assert model.num_batches_tracked == 0
    assert model.running_mean.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("method", "error", "message"),
    [
        (lambda x: (x, x), TypeError, "Expected `explanation_func` to return a tensor, but got tuple"),
        (lambda x: x[:1], ValueError, "Expected `explanation_func` to return 3 maps, but got shape"),
        (lambda x: x.sum(), ValueError, "Expected `explanation_func` to return 3 maps, but got shape"),
        (lambda x: x[:, :0], ValueError, "Expected `explanation_func` to return 3 maps, but got shape"),
        (lambda x: x * float("nan"), ValueError, "Expected finite attributions"),
    ],
    ids=["tuple", "fewer", "scalar", "empty", "NaN"],
)
def test_maps_of_another_form_are_rejected(images: Tensor, method, error, message: str) -> None:
    with pytest.raises(error, match=message):
        sensitivity(method, images)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ((torch.ones(1, 4),), TypeError, "Expected `inputs` to be a floating-point tensor, but got tuple"),
        (
            torch.ones(1, 4).long(),
            TypeError,
            "Expected `inputs` to be a floating-point tensor, but got torch",
        ),
        (torch.ones(0, 4), ValueError, "nothing empty, but got"),
        (torch.tensor(1.0), ValueError, "nothing empty, but got"),
    ],
    ids=["tuple", "integers", "empty", "one number"],
)
def test_inputs_of_another_form_are_rejected(inputs, error, message: str) -> None:
    with pytest.raises(error, match=message):
        sensitivity(Noted(), inputs)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("radius", -0.1, ValueError),
        ("radius", math.nan, ValueError),
        ("radius", "small", TypeError),
        ("n_samples", 0, ValueError),
        ("n_samples", 2.0, TypeError),
        ("seed", -1, ValueError),
    ],
)
def test_a_number_out_of_range_is_answered_with_its_name(images: Tensor, name, value, error) -> None:
    with pytest.raises(error, match=f"Expected `{name}` to be"):
        sensitivity(Noted(), images, **{name: value})
