"""Logits and noise in, relaxed Bernoulli mask out: the samplers of FIDO.

Both samplers draw the same random variable, the binary Concrete distribution, for the same noise and
temperature; they differ in what floating point leaves of it and of its gradient.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from captum_scd._strategies import Strategies

Sampler = Callable[[Tensor, Tensor, float], Tensor]

GOLDEN_RATIO = (5**0.5 - 1) / 2
BISECTIONS = 20


def logistic_noise(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Draw standard logistic noise, log u - log(1 - u) with u uniform on the open interval (0, 1).

    Args:
        shape: shape of the noise.
        generator: a generator on the CPU, so that every device gets the same noise for the same seed.

    Returns:
        Finite float32 noise of that shape, on the CPU.
    """
    return logit_of_uniform(torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu"))


def antithetic_noise(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Draw logistic noise in pairs of opposite sign along the first dimension (u and 1 - u).

    An odd number of samples leaves the last one without a partner.

    >>> noise = antithetic_noise((3, 5), Generator().manual_seed(0))
    >>> bool((noise[0] == -noise[1]).all())
    True
    """
    count = shape[0]
    drawn = logistic_noise(((count + 1) // 2, *shape[1:]), generator)
    return torch.stack([drawn, -drawn], dim=1).flatten(0, 1)[:count]


def logit_of_uniform(uniform: Tensor) -> Tensor:
    """Turn uniform draws into logistic noise, log u - log(1 - u); draws of exactly 0 or 1 stay finite."""
    eps = torch.finfo(uniform.dtype).eps
    return torch.logit(uniform, eps=eps)


def simplified_concrete_dropout(logits: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """Sample a relaxed mask as sigmoid((logits + noise) / temperature).

    Simplified Concrete Dropout (Korsch et al. 2023, arXiv 2307.14825). Equal to `concrete_dropout`
    without its detour through probabilities. The gradient is computed as the product
    sigmoid(a) * sigmoid(-a) / temperature, a = (logits + noise) / temperature, which stays alive where
    1 - sigmoid(a) has already rounded to zero.

    Args:
        logits: mask logits phi, any shape; 1 keeps the pixel.
        noise: logistic noise, see `logistic_noise`; broadcasts with the logits.
        temperature: above 0; the lower, the closer the samples are to 0 and 1.

    Returns:
        Samples in [0, 1], of the broadcast shape.

    Raises:
        ValueError: if the temperature is not above 0.

    >>> simplified_concrete_dropout(torch.tensor([-100.0, 0.0, 100.0]), torch.zeros(3), temperature=0.5)
    tensor([0.0000, 0.5000, 1.0000])
    """
    sample: Tensor = _TemperedSigmoid.apply(logits, noise, _checked(temperature))  # type: ignore[no-untyped-call]
    return sample


def concrete_dropout(logits: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """Sample a relaxed mask as sigmoid((log p - log(1 - p) + noise) / temperature), p = sigmoid(logits).

    The sampler of FIDO (Chang et al. 2019, arXiv 1807.08024), kept for comparison. p is held one rounding
    step away from 0 and 1, so that samples stay finite; logits beyond that (about 16 in float32) have no
    gradient.

    Args:
        logits: mask logits phi, any shape; 1 keeps the pixel.
        noise: logistic noise, see `logistic_noise`; broadcasts with the logits.
        temperature: above 0; the lower, the closer the samples are to 0 and 1.

    Returns:
        Samples in [0, 1], of the broadcast shape.

    Raises:
        ValueError: if the temperature is not above 0.
    """
    eps = torch.finfo(logits.dtype).eps
    probability = torch.sigmoid(logits).clamp(eps, 1 - eps)
    odds = torch.log(probability) - torch.log(1 - probability)
    return torch.sigmoid((odds + noise) / _checked(temperature))


def shift_to_area(exponents: Tensor, area: Tensor) -> Tensor:
    """Find the constant that brings the mean of sigmoid(exponents + constant) to an area, by bisection.

    Args:
        exponents: (..., cells).
        area: broadcastable to (..., 1), inside (0, 1).

    Returns:
        (..., 1) constants; they carry no gradient.
    """
    values = exponents.detach()
    reach = torch.logit(area).abs() + values.abs().amax(-1, keepdim=True)
    low, high = -reach, reach
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        small = torch.sigmoid(values + middle).mean(-1, keepdim=True) < area
        low, high = torch.where(small, middle, low), torch.where(small, high, middle)
    return (low + high) / 2


def golden_sequence(count: int, start: int, offset: float) -> Tensor:
    """Points number `start` to `start + count` of a sequence that fills [0, 1) evenly, (count,)."""
    places = torch.arange(start, start + count, dtype=torch.float32, device="cpu")
    return (offset + places * GOLDEN_RATIO).frac()


SAMPLERS: Strategies[Sampler] = Strategies(
    "sampler", {"simplified": simplified_concrete_dropout, "original": concrete_dropout}
)


class _TemperedSigmoid(torch.autograd.Function):
    """sigmoid((logits + noise) / temperature), differentiated as a product of two sigmoids."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, noise: Tensor, temperature: float) -> Tensor:
        ctx.save_for_backward(logits, noise)
        ctx.temperature = temperature
        return torch.sigmoid((logits + noise) / temperature)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        logits, noise = ctx.saved_tensors
        exponent = (_widened(logits) + _widened(noise)) / ctx.temperature
        slope = torch.sigmoid(exponent) * torch.sigmoid(-exponent) / ctx.temperature
        grad = grads[0] * slope.to(grads[0].dtype)
        return grad.sum_to_size(logits.shape), grad.sum_to_size(noise.shape), None


def _widened(values: Tensor) -> Tensor:
    """Go to float64 where the device has it: at exponents of 80 float32 would cost the slope 1e-5."""
    return values if values.device.type == "mps" else values.double()


def _checked(temperature: float) -> float:
    if not temperature > 0:
        raise ValueError(f"Expected `temperature` to be above 0, but got {temperature}.")
    return float(temperature)
