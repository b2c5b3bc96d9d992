"""Both samplers draw the same variable; only one keeps its gradient."""

import math

import pytest
import torch
from torch import Generator, Tensor

from captum_scd.sampling import (
    SAMPLERS,
    antithetic_noise,
    concrete_dropout,
    golden_sequence,
    logistic_noise,
    logit_of_uniform,
    shift_to_area,
    simplified_concrete_dropout,
)

BOTH = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=list(SAMPLERS))
EXTREME = [-math.inf, -1e38, -1e4, -80.0, 0.0, 80.0, 1e4, 1e38, math.inf]


def _spread_out(count: int, bound: float, seed: int) -> Tensor:
    return (torch.rand(count, generator=Generator().manual_seed(seed)) * 2 - 1) * bound


def _gradient(sampler, logits: Tensor, noise: Tensor, temperature: float) -> Tensor:
    leaf = logits.clone().requires_grad_()
    return torch.autograd.grad(sampler(leaf, noise, temperature).sum(), leaf)[0]


@pytest.mark.parametrize("temperature", [0.1, 0.3, 0.5, 1.0, 2.0])
def test_samplers_agree_in_float64_for_the_same_noise(temperature: float, generator: Generator) -> None:
    logits = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    noise = logistic_noise((7, 1001), generator).double()
    simplified, original = (f(logits, noise, temperature) for f in SAMPLERS.values())
    torch.testing.assert_close(simplified, original, rtol=0, atol=1e-8)


@BOTH
def test_a_sample_is_the_definition(sampler, generator: Generator) -> None:
    logits, noise = torch.randn(2, 50, dtype=torch.float64, generator=generator)
    expected = [
        1 / (1 + math.exp(-(a + b) / 0.7)) for a, b in zip(logits.tolist(), noise.tolist(), strict=True)
    ]
    torch.testing.assert_close(sampler(logits, noise, 0.7).tolist(), expected)


@BOTH
def test_gradients_pass_gradcheck_in_logits_and_noise(sampler, generator: Generator) -> None:
    logits, noise = 2 * torch.randn(2, 20, dtype=torch.float64, generator=generator)
    values = logits.requires_grad_(), noise.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: sampler(a, b, 0.5), values)


@BOTH
def test_gradients_pass_gradcheck_where_noise_broadcasts(sampler, generator: Generator) -> None:
    logits = torch.randn(2, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    noise = torch.randn(4, 1, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: sampler(a, b, 0.5), (logits, noise))


@BOTH
@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_give_finite_samples_and_gradients(
    sampler, temperature: float, dtype: torch.dtype
) -> None:
    logits = torch.tensor(EXTREME, dtype=dtype)
    noise = logit_of_uniform(torch.tensor([[0.0], [0.5], [1.0]], dtype=dtype))
    samples = sampler(logits, noise, temperature)
    assert samples.isfinite().all()
    assert samples.min() >= 0
    assert samples.max() <= 1
    assert _gradient(sampler, logits, noise, temperature).isfinite().all()


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_simplified_gradient_in_float32_is_the_closed_form_up_to_exponents_of_80(temperature: float) -> None:
    noise = _spread_out(20_000, 5.0, seed=1)
    logits = _spread_out(20_000, 80 * temperature, seed=2) - noise
    exponent = (logits.double() + noise.double()) / temperature
    exact = torch.sigmoid(exponent) * torch.sigmoid(-exponent) / temperature
    gradient = _gradient(simplified_concrete_dropout, logits, noise, temperature)
    assert exponent.abs().max() > 79
    assert ((gradient.double() - exact) / exact).abs().max() < 1e-6


@pytest.mark.parametrize("exponent", [18.0, 25.0, 40.0, 80.0])
def test_only_the_simplified_gradient_is_alive_beyond_17(exponent: float) -> None:
    logits, noise = torch.tensor([exponent]), torch.zeros(1)
    assert _gradient(simplified_concrete_dropout, logits, noise, 1.0) > 0
    assert _gradient(concrete_dropout, logits, noise, 1.0) == 0
    assert _gradient(lambda a, b, t: torch.sigmoid((a + b) / t), logits, noise, 1.0) == 0


@BOTH
def test_noise_shared_by_a_batch_broadcasts(sampler, generator: Generator) -> None:
    samples = sampler(torch.randn(2, 4, 6), logistic_noise((5, 2, 1, 6), generator), 0.5)
    assert samples.shape == (5, 2, 4, 6)


@BOTH
@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_not_above_zero_is_rejected(sampler, temperature: float) -> None:
    with pytest.raises(ValueError, match="Expected `temperature` to be above 0"):
        sampler(torch.zeros(1), torch.zeros(1), temperature)


@BOTH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_and_gradients_keep_the_dtype(sampler, dtype: torch.dtype) -> None:
    logits = torch.zeros(3, dtype=dtype, requires_grad=True)
    sample = sampler(logits, torch.zeros(3, dtype=dtype), 0.5)
    assert sample.dtype == torch.autograd.grad(sample.sum(), logits)[0].dtype == dtype


def test_a_share_of_samples_above_one_half_is_the_probability(generator: Generator) -> None:
    probability = torch.tensor([0.1, 0.5, 0.8])
    samples = simplified_concrete_dropout(
        torch.logit(probability), logistic_noise((40_000, 3), generator), 0.5
    )
    torch.testing.assert_close((samples > 0.5).float().mean(0), probability, rtol=0, atol=0.01)


def test_logistic_noise_has_the_moments_of_the_logistic_distribution(generator: Generator) -> None:
    noise = logistic_noise((200_000,), generator)
    assert abs(noise.mean()) < 0.02
    assert noise.var().item() == pytest.approx(math.pi**2 / 3, rel=0.02)


def test_uniform_draws_of_zero_and_one_stay_finite() -> None:
    noise = logit_of_uniform(torch.tensor([0.0, 0.25, 1.0]))
    assert noise.isfinite().all()
    assert noise[1].item() == pytest.approx(math.log(0.25 / 0.75))


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_antithetic_noise_comes_in_pairs_of_opposite_sign(count: int, generator: Generator) -> None:
    noise = antithetic_noise((count, 2, 5), generator)
    assert noise.shape == (count, 2, 5)
    pairs = count // 2 * 2
    assert torch.equal(noise[:pairs:2], -noise[1:pairs:2])
    assert noise.unique().numel() == noise.numel()


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_half_of_antithetic_noise_is_logistic_noise_and_no_more_is_drawn(count: int) -> None:
    ours, usual = (Generator().manual_seed(3) for _ in range(2))
    noise = antithetic_noise((count, 40), ours)
    assert torch.equal(noise[::2], logistic_noise(((count + 1) // 2, 40), usual))
    assert torch.equal(ours.get_state(), usual.get_state())


@pytest.mark.parametrize("draw", [logistic_noise, antithetic_noise])
def test_noise_is_drawn_from_the_generator_alone(draw) -> None:
    before = torch.get_rng_state()
    first, again, other = (draw((4, 5), Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert (first != other).all()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0])
def test_shifted_exponents_have_the_area_of_their_row(scale: float, generator: Generator) -> None:
    exponents = scale * torch.randn(4, 2, 3, 50, dtype=torch.float64, generator=generator) - scale
    areas = torch.tensor([[0.01, 0.2], [0.5, 0.99], [0.3, 0.7], [0.9, 0.05]], dtype=torch.float64)
    areas = areas[..., None, None]
    shift = shift_to_area(exponents.requires_grad_(), areas)
    assert shift.shape == (4, 2, 3, 1)
    assert not shift.requires_grad
    found = torch.sigmoid(exponents + shift).mean(-1, keepdim=True)
    torch.testing.assert_close(found, areas.expand(4, 2, 3, 1), rtol=0, atol=1e-4 * scale)


@pytest.mark.parametrize("level", [-30.0, 0.0, 4.0])
def test_flat_exponents_are_shifted_to_the_logit_of_the_area(level: float) -> None:
    areas = torch.tensor([[0.02], [0.5], [0.9]])
    shift = shift_to_area(torch.full((3, 7), level), areas)
    torch.testing.assert_close(shift, torch.logit(areas) - level, rtol=0, atol=1e-4)


def test_a_row_is_shifted_the_same_beside_any_other(generator: Generator) -> None:
    rows = torch.randn(3, 20, generator=generator) * torch.tensor([[1.0], [1e6], [30.0]])
    area = torch.tensor(0.2)
    assert torch.equal(shift_to_area(rows, area), torch.stack([shift_to_area(row, area) for row in rows]))


def test_a_golden_sequence_goes_round_by_the_golden_ratio() -> None:
    points = golden_sequence(50, start=7, offset=0.4)
    turns = [(0.4 + number * (math.sqrt(5) - 1) / 2) % 1 for number in range(7, 57)]
    torch.testing.assert_close(points.tolist(), turns, rtol=0, atol=1e-5)
    pieces = [golden_sequence(25, start, offset=0.4) for start in (7, 32)]
    assert torch.equal(torch.cat(pieces), points)


@pytest.mark.parametrize("count", [5, 20, 100])
def test_a_golden_sequence_leaves_no_large_gap(count: int) -> None:
    points = golden_sequence(count, start=1000, offset=0.9).sort().values
    gaps = torch.cat([points, points[:1] + 1]).diff()
    assert points.min() >= 0
    assert points.max() < 1
    assert gaps.max() < 2 / count
