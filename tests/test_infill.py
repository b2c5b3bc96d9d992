"""Infills against a second implementation and against what they promise."""

import functools
from inspect import Parameter, signature
from itertools import product

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Generator, Tensor, nn

from captum_scd import infill

EVERY = pytest.mark.parametrize("name", list(infill.INFILLS))
RANDOM = pytest.mark.parametrize(
    "name",
    [
        name
        for name, fill in infill.INFILLS.items()
        if signature(fill).parameters["generator"].default is Parameter.empty
    ],
)
SIZES = [(1, 1), (1, 7), (2, 3), (5, 5), (17, 30)]
SHAPES = [
    *((2, 3, *size) for size in SIZES),
    (2, 1, 9, 4),
    (2, 5, 9, 4),
    (2, 4, 13),
    (2, 1, 1),
    (2, 2, 3, 4, 5),
    (2, 6),
]


def _inputs(*shape: int) -> Tensor:
    return torch.randn(shape, generator=Generator().manual_seed(3), dtype=torch.float64)


def _fill(name: str, inputs: Tensor, seed: int = 0) -> Tensor:
    return infill.resolve(name)(inputs, Generator().manual_seed(seed))


@EVERY
def test_any_shape_and_dtype_gives_finite_contiguous_values_of_them(name: str) -> None:
    for shape, dtype in product(SHAPES, (torch.float64, torch.float32, torch.float16, torch.bfloat16)):
        filled = _fill(name, _inputs(*shape).to(dtype))
        assert (filled.shape, filled.dtype) == (shape, dtype)
        assert filled.isfinite().all(), (shape, dtype)
        assert filled.is_contiguous(), (shape, dtype)


@EVERY
@pytest.mark.parametrize("shape", [(3, 2, 9, 14), (3, 2, 11), (3, 5)], ids=str)
def test_an_example_is_filled_the_same_in_any_batch(name: str, shape) -> None:
    inputs = _inputs(*shape)
    whole = _fill(name, inputs)
    for i in range(3):
        torch.testing.assert_close(_fill(name, inputs[i : i + 1]), whole[i : i + 1])


@EVERY
def test_filling_leaves_inputs_and_the_global_generator_alone(name: str) -> None:
    inputs = _inputs(2, 3, 8, 8)
    before, state = inputs.clone(), torch.get_rng_state()
    _fill(name, inputs)
    assert torch.equal(inputs, before)
    assert torch.equal(torch.get_rng_state(), state)


@RANDOM
def test_random_infills_follow_the_generator(name: str) -> None:
    inputs = _inputs(2, 3, 28, 28)
    assert torch.equal(_fill(name, inputs, seed=1), _fill(name, inputs, seed=1))
    assert not torch.equal(_fill(name, inputs, seed=1), _fill(name, inputs, seed=2))


@pytest.mark.parametrize("sigma", [2.0, 10.0, 50.0])
@pytest.mark.parametrize("shape", [s for s in SHAPES if len(s) > 2], ids=str)
def test_blur_is_the_mirrored_gaussian_filter_of_scipy(shape, sigma: float) -> None:
    inputs = _inputs(*shape)
    axes = range(2, len(shape))
    pixels = sigma * np.prod(shape[2:]) ** (1 / len(axes)) / 224
    width = [0, 0, *(pixels for _ in axes)]
    expected = ndimage.gaussian_filter(inputs.numpy(), width, mode="mirror", truncate=4.0)
    torch.testing.assert_close(
        infill.blur(inputs, sigma=sigma), torch.from_numpy(expected), rtol=0, atol=2e-6
    )


@pytest.mark.parametrize("function", [infill.blur, infill.local_mean, infill.mean])
def test_averaging_infills_are_linear_and_keep_a_constant_image(function) -> None:
    a, b = _inputs(2, 3, 11, 6), _inputs(2, 3, 11, 6).flip(0)
    torch.testing.assert_close(function(2 * a - 3 * b), 2 * function(a) - 3 * function(b), rtol=0, atol=1e-6)
    flat = torch.full((1, 2, 11, 6), 0.7, dtype=torch.float64)
    torch.testing.assert_close(function(flat), flat, rtol=0, atol=1e-6)


def test_local_mean_is_the_mirrored_uniform_filter_of_scipy() -> None:
    inputs = _inputs(1, 2, 20, 20)
    width = 2 * round((56.0 * 20 / 224 - 1) / 2) + 1
    expected = ndimage.uniform_filter(inputs.numpy(), [0, 0, width, width], mode="mirror")
    torch.testing.assert_close(
        infill.local_mean(inputs, width=56.0), torch.from_numpy(expected), rtol=0, atol=1e-6
    )


def test_mean_is_the_mean_of_each_channel() -> None:
    inputs = _inputs(2, 3, 4, 5)
    assert torch.equal(infill.mean(inputs), inputs.mean((2, 3), keepdim=True).expand(2, 3, 4, 5))


def test_constant_takes_its_value() -> None:
    assert infill.constant(_inputs(2, 3, 4, 5), value=0.25).unique().tolist() == [0.25]


def test_uniform_stays_in_the_range_of_the_channel() -> None:
    inputs = _inputs(2, 3, 16, 16)
    filled = _fill("uniform", inputs)
    assert (filled >= inputs.amin((2, 3), keepdim=True)).all()
    assert (filled <= inputs.amax((2, 3), keepdim=True)).all()


def test_normal_has_the_moments_of_the_channel() -> None:
    inputs = 3 + 2 * _inputs(2, 2, 64, 64)
    filled = _fill("normal", inputs)
    torch.testing.assert_close(filled.mean((2, 3)), inputs.mean((2, 3)), rtol=0, atol=0.2)
    torch.testing.assert_close(filled.std((2, 3)), inputs.std((2, 3)), rtol=0, atol=0.2)


@pytest.mark.parametrize("size", [(28, 28), (56, 14), (42,), (4, 6, 4)], ids=str)
def test_shuffle_permutes_pixels_with_all_their_channels(size, generator: Generator) -> None:
    count = torch.Size(size).numel()
    number = torch.arange(count, dtype=torch.float64).view(1, 1, *size)
    filled = infill.shuffle(torch.cat([number, number + count], dim=1), generator)
    assert torch.equal(filled[:, :1].flatten().sort().values, number.flatten())
    assert torch.equal(filled[:, 1:], filled[:, :1] + count)
    assert not torch.equal(filled[:, :1], number)


def test_shuffle_keeps_patches_whole(generator: Generator) -> None:
    number = torch.arange(28.0 * 28).view(1, 1, 28, 28)
    filled = infill.shuffle(number, generator, patch=32.0)
    patches = filled.unfold(2, 4, 4).unfold(3, 4, 4).reshape(-1, 4, 4)
    originals = number.unfold(2, 4, 4).unfold(3, 4, 4).reshape(-1, 4, 4)
    assert torch.equal(patches[patches[:, 0, 0].argsort()], originals[originals[:, 0, 0].argsort()])


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (lambda x: x + 1, 1.0),
        (lambda x, generator: x + torch.rand((), generator=generator).item() * 0 + 2, 2.0),
        (functools.partial(infill.constant, value=3.0), 3.0),
        (torch.zeros_like, 0.0),
        (nn.Identity(), 0.0),
    ],
    ids=["one argument", "with a generator", "partial", "built in", "module"],
)
def test_callables_are_infills(strategy, expected: float) -> None:
    inputs = torch.zeros(1, 3, 4, 4)
    assert _fill(strategy, inputs).unique().tolist() == [expected]


def test_what_a_callable_returns_is_detached_and_cast() -> None:
    weight = torch.ones((), requires_grad=True, dtype=torch.float64)
    filled = _fill(lambda x: x.double() * weight, torch.ones(1, 3, 4, 4))
    assert filled.dtype == torch.float32
    assert not filled.requires_grad


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (lambda x: x[:, :1], "return a tensor of shape"),
        (lambda x: None, "but got NoneType"),
        (lambda x: x * float("nan"), "return finite values"),
        (lambda x: x + float("inf"), "return finite values"),
        ("blurr", "Expected `infill` to be one of 'blur'"),
        (3, "Expected `infill` to be one of 'blur'"),
    ],
    ids=["shape", "no tensor", "NaN", "infinite", "unknown name", "no callable"],
)
def test_bad_infills_are_rejected_in_one_sentence(strategy, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _fill(strategy, torch.ones(1, 3, 4, 4))


def test_those_can_be_repeated_that_are_means_over_the_pixels_of_the_image() -> None:
    assert all(map(infill.can_be_repeated, ("blur", "mean", "local_mean")))
    assert not any(map(infill.can_be_repeated, ("constant", "shuffle", "uniform", "given")))


CHANNELS = torch.tensor([0.1, 0.2, 0.3])
WIDE = torch.zeros(2, 3, 4, 5) + CHANNELS.view(3, 1, 1)


@pytest.mark.parametrize(
    "baselines",
    [
        CHANNELS.view(1, 3, 1, 1),
        CHANNELS.view(3, 1, 1),
        CHANNELS,
        CHANNELS.numpy(),
        (CHANNELS.double(),),
        WIDE[:1],
        WIDE[0],
        WIDE[:, :, :1, :1],
        WIDE,
    ],
    ids=lambda one: str(getattr(one, "shape", "tuple")),
)
def test_baselines_that_broadcast_are_spread(baselines) -> None:
    (filled,) = infill.given(baselines, (torch.zeros(2, 3, 4, 5),))
    assert torch.equal(filled, WIDE)
    assert filled.is_contiguous()


def test_one_axis_alone_is_that_of_the_channels_or_of_the_features_of_a_table() -> None:
    square, signal, table = torch.zeros(1, 3, 3, 3), torch.zeros(2, 3, 3), torch.zeros(2, 3)
    for inputs, place in ((square, (0, slice(None), 2, 1)), (signal, (0, slice(None), 2)), (table, 0)):
        assert torch.equal(infill.given(CHANNELS, (inputs,))[0][place], CHANNELS)


@pytest.mark.parametrize(
    "baselines",
    [torch.zeros(5), torch.zeros(2), torch.zeros(2, 3), torch.zeros(3, 3, 4, 5), torch.zeros(1, 2, 3, 4, 5),
     [0.0, 0.0, 0.0], "black", None.__class__, (0.0, 0.0), ()],
    ids=str,
)  # fmt: skip
def test_baselines_that_do_not_broadcast_are_answered_with_the_input(baselines) -> None:
    with pytest.raises(AssertionError, match=r"broadcast to \(2, 3, 4, 5\), one an input, .* but got"):
        infill.given(baselines, (torch.zeros(2, 3, 4, 5),))


def test_several_inputs_have_a_baseline_each() -> None:
    inputs = torch.zeros(2, 3, 4, 5), torch.zeros(2, 7)
    image, table = infill.given((CHANNELS, 1.0), inputs)
    assert torch.equal(image, WIDE)
    assert torch.equal(table, torch.ones(2, 7))
    assert not any(one.any() for one in infill.given(None, inputs))
