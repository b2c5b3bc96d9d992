"""Every shape and dtype of input, and several inputs at once."""

import pytest
import torch
from models import TinyConv
from quick import explain
from torch import Generator, Tensor, nn

from captum_scd import infill

SHAPES = {
    "image": (2, 3, 9, 14),
    "grey image": (2, 1, 8, 8),
    "many channels": (2, 7, 5, 6),
    "tiny image": (2, 3, 2, 3),
    "pixel": (2, 3, 1, 1),
    "line": (2, 3, 1, 7),
    "signal": (2, 2, 31),
    "volume": (2, 1, 5, 6, 7),
    "table": (2, 6),
    "one example": (1, 3, 8, 8),
    "numbers": (2,),
    "six dimensions": (2, 1, 2, 3, 2, 2),
}
HALVES = [torch.float16, torch.bfloat16]


def _random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(2))


def _mixed(*inputs: Tensor) -> Tensor:
    """Three logits of which each depends on all features of all inputs."""
    sums = sum((x.flatten(1) if x.ndim > 1 else x[:, None]).tanh().cumsum(1)[:, -1:] for x in inputs)
    weights = torch.tensor([1.0, -0.5, 0.25], dtype=sums.dtype)
    return sums * weights


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_any_shape_is_explained(shape) -> None:
    inputs = _random(*shape)
    attribution, masks = explain(_mixed, inputs, return_masks=True)
    assert attribution.shape == inputs.shape
    assert attribution.isfinite().all()
    assert attribution.is_contiguous()
    assert torch.equal(attribution, masks.joint.expand_as(inputs))


@pytest.mark.parametrize("name", list(infill.INFILLS))
@pytest.mark.parametrize("shape", [(2, 6), (2, 2, 31), (2, 3, 5, 7), (2, 1, 3, 4, 5)], ids=str)
def test_every_infill_serves_every_kind_of_input(shape, name: str) -> None:
    attribution = explain(_mixed, _random(*shape), strategies={"infill": name}, n_iterations=1)
    assert attribution.isfinite().all()


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_convolutions_of_any_dimension(dimensions: int) -> None:
    inputs = _random(2, 3, *(6,) * dimensions)
    assert explain(TinyConv(dimensions=dimensions).eval(), inputs).shape == inputs.shape


@pytest.mark.parametrize("dtype", [*HALVES, torch.float64])
def test_the_model_sees_and_the_user_gets_the_dtype_of_the_inputs(dtype: torch.dtype) -> None:
    seen = set()

    def model(x: Tensor) -> Tensor:
        seen.add(x.dtype)
        return _mixed(x)

    attribution, masks = explain(model, _random(2, 3, 8, 8).to(dtype), return_masks=True)
    assert seen == {dtype}
    assert attribution.dtype == dtype
    assert attribution.isfinite().all()
    assert masks.infill.dtype == dtype
    assert masks.ssr.dtype == torch.float32


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_gives_about_what_single_precision_gives(images: Tensor, dtype: torch.dtype) -> None:
    half, single = (explain(_mixed, images.to(kind)).float() for kind in (dtype, torch.float32))
    torch.testing.assert_close(half, single, rtol=0, atol=0.1)


@pytest.mark.parametrize("dtype", HALVES)
def test_autocast_around_the_call_is_no_obstacle(net: nn.Module, images: Tensor, dtype: torch.dtype) -> None:
    with torch.autocast("cpu", dtype):
        attribution = explain(net, images)
    assert attribution.dtype == torch.float32
    assert attribution.isfinite().all()


def test_several_inputs_give_as_many_attributions_of_their_shapes() -> None:
    inputs = _random(3, 3, 8, 8), _random(3, 5), _random(3, 2, 20)
    attributions, masks = explain(_mixed, inputs, return_masks=True)
    assert isinstance(attributions, tuple)
    assert [a.shape for a in attributions] == [x.shape for x in inputs]
    assert [len(one) for one in masks] == [3, 3, 3]
    assert all(a.std() > 0 for a in attributions)


def test_several_inputs_may_have_several_dtypes() -> None:
    inputs = _random(2, 4), _random(2, 3).double()
    attributions = explain(lambda a, b: _mixed(a.double(), b), inputs)
    assert [a.dtype for a in attributions] == [torch.float32, torch.float64]


def test_one_baseline_and_one_feature_mask_an_input() -> None:
    inputs = _random(2, 4), _random(2, 3)
    groups = torch.tensor([[0, 0, 1, 1]]), torch.tensor([[2, 1, 1]])
    first, second = explain(_mixed, inputs, baselines=(0.5, torch.zeros(1, 3)), feature_mask=groups)
    assert torch.equal(first[:, 2], second[:, 1])
    assert torch.equal(first[:, 0], first[:, 1])


def test_an_input_that_does_not_matter_gets_less() -> None:
    inputs = torch.ones(1, 4), torch.ones(1, 4)
    matters, idle = explain(
        lambda a, b: _mixed(3 * a, 0 * b),
        inputs,
        baselines=(0.0, 0.0),
        n_iterations=20,
        area_weight=1.0,
        tv_weight=0.0,
    )
    assert matters.min() > idle.max()


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x.to(memory_format=torch.channels_last),
        lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
        lambda x: x.clone().requires_grad_(),
        lambda x: x.clone().requires_grad_() * 1,
        lambda x: nn.Parameter(x.clone()),
    ],
    ids=["channels last", "strided", "leaf with grad", "on a graph", "parameter"],
)
def test_how_an_input_is_stored_does_not_matter(net: nn.Module, images: Tensor, form) -> None:
    attribution = explain(net, form(images))
    torch.testing.assert_close(attribution, explain(net, images), rtol=0, atol=1e-3)
    assert attribution.is_contiguous()
    assert type(attribution) is Tensor
    assert not attribution.requires_grad


def test_expanded_inputs_are_taken(net: nn.Module, images: Tensor) -> None:
    attribution = explain(net, images[:1].expand(3, -1, -1, -1))
    torch.testing.assert_close(attribution, attribution[:1].expand(3, -1, -1, -1), rtol=0, atol=5e-3)
