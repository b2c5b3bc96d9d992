"""Does a method stay with its map when the input hardly changes?"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import captum.metrics
import numpy as np
import torch
from torch import Generator, Tensor

from captum_scd.forward import preserved
from captum_scd.settings import check_integer, check_number


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """How far maps move when noise is added to the inputs, relative to their size.

    Attributes:
        value: (N,) greatest change found, 0 or more; smaller is better.
        floor: (N,) the same without any noise: 0 for a method that repeats itself, and above 0 what its own
            randomness contributes to `value`.

    >>> steady = Sensitivity(value=torch.tensor([0.3]), floor=torch.tensor([0.0]))
    >>> steady.value - steady.floor  # what the noise on the input itself has changed
    tensor([0.3000])
    """

    value: Tensor
    floor: Tensor


def sensitivity(
    explanation_func: Callable[..., Any],
    inputs: Tensor,
    radius: float = 0.02,
    n_samples: int = 10,
    seed: int = 0,
    **kwargs: Any,
) -> Sensitivity:
    """Measure the greatest change of a map under small noise on the input, and without any.

    Captum's `sensitivity_max` (Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations",
    section 3): the greatest Frobenius norm of the change over the draws, divided by the norm of the map, a
    norm of 0 counting as 1. Noise is uniform in [-radius, radius] for each value, the same for all examples
    and methods. The floor is the same at radius 0. Where the first repetition gives the same map, the others
    are left out. Costs n_samples + 3 explanations, or 2 * n_samples + 4 of methods that differ.

    Args:
        explanation_func: inputs -> map, (N, ...) -> (N, ...), such as the `attribute` method of any Captum
            attribution; called with the batch as it is, one draw at a time.
        inputs: floating-point tensor (N, ...).
        radius: of the noise, in units of the inputs as they are given, as in Captum: 0.02 is about one of 255
            grey levels of an ImageNet-normalised photo.
        n_samples: number of draws.
        seed: of the noise, and of global random numbers (torch, NumPy, Python) that the method may draw; they
            are put back afterwards.
        **kwargs: passed on to `explanation_func`, `baselines` and `target` among them. Where it has
            arguments called as those above, bind them: `functools.partial(fido.attribute, n_samples=2)`.

    Returns:
        Value and floor, see `Sensitivity`.

    Raises:
        TypeError: for inputs that are no tensor, a map that is no tensor, or a number of the wrong type.
        ValueError: for empty inputs, a number out of its range, or maps that are not finite or not one per
            example.

    >>> from captum.attr import IntegratedGradients
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    >>> sensitivity(IntegratedGradients(model).attribute, torch.randn(2, 3, 8, 8), target=3).floor
    tensor([0., 0.])
    """
    check_number("radius", radius, positive=False)
    check_integer("n_samples", n_samples, least=1)
    seed = check_integer("seed", seed, least=0)
    _check_inputs(inputs)

    def greatest(amount: float, draws: int) -> Tensor:
        return _greatest_change(explanation_func, inputs.detach().clone(), amount, draws, seed, kwargs)

    with preserved(_model_behind(explanation_func), [inputs.device], seed), _randomness_of(seed):
        value, floor = greatest(radius, n_samples), greatest(0.0, 1)
        return Sensitivity(value, greatest(0.0, n_samples) if floor.any() else floor)


def _check_inputs(inputs: object) -> None:
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        came = str(inputs.dtype) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise TypeError(f"Expected `inputs` to be a floating-point tensor, but got {came}.")
    if inputs.ndim == 0 or inputs.numel() == 0:
        raise ValueError(f"Expected `inputs` (N, ...), nothing empty, but got {tuple(inputs.shape)}.")


def _greatest_change(
    explanation_func: Callable[..., Any],
    inputs: Tensor,
    radius: float,
    n_samples: int,
    seed: int,
    kwargs: dict[str, Any],
) -> Tensor:
    generator = Generator().manual_seed(seed)

    def disturbed(rows: Tensor, radius: float) -> Tensor:
        drawn = torch.rand(rows.shape[1:], generator=generator, dtype=torch.float32, device="cpu")
        return rows + radius * (2 * drawn - 1).to(rows)

    value: Tensor = captum.metrics.sensitivity_max(
        _one_map_each(explanation_func),
        inputs,
        perturb_func=disturbed,
        perturb_radius=radius,
        n_perturb_samples=n_samples,
        max_examples_per_batch=len(inputs),
        **kwargs,
    )
    return value.detach()


def _one_map_each(explanation_func: Callable[..., Any]) -> Callable[..., Any]:
    """Call a method with tensors only, as its users do, and check what it returns.

    Captum hands over its inputs, and baselines of their shape, as tuples of one, and for a tuple wants one.
    """

    def explain(inputs: Any, **kwargs: Any) -> Any:
        tensor = _unwrapped(inputs).clone()  # a method may change it, and Captum uses it again
        given = {name: _unwrapped(value) if name == "baselines" else value for name, value in kwargs.items()}
        attributions = _checked(explanation_func(tensor, **given), len(tensor))
        return (attributions,) if isinstance(inputs, tuple) else attributions

    return explain


def _checked(attributions: object, count: int) -> Tensor:
    if not isinstance(attributions, Tensor):
        name = type(attributions).__name__
        raise TypeError(f"Expected `explanation_func` to return a tensor, but got {name}.")
    if attributions.ndim == 0 or len(attributions) != count or attributions.numel() == 0:
        shape = tuple(attributions.shape)
        raise ValueError(f"Expected `explanation_func` to return {count} maps, but got shape {shape}.")
    if not attributions.isfinite().all():
        raise ValueError("Expected finite attributions, but got NaN or infinity.")
    return attributions.detach().contiguous()


def _unwrapped(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _model_behind(explanation_func: Callable[..., Any]) -> Callable[..., Any]:
    """Find the model that a bound `attribute` method explains, also one behind a `functools.partial`."""
    function = getattr(explanation_func, "func", explanation_func)
    owner = getattr(function, "__self__", function)
    model: Callable[..., Any] = getattr(owner, "forward_func", owner)
    return model


@contextmanager
def _randomness_of(seed: int) -> Iterator[None]:
    """Start NumPy's and Python's global random numbers from a seed, and put their state back afterwards."""
    states = np.random.get_state(), random.getstate()
    try:
        np.random.seed(seed % 2**32)
        random.seed(seed)
        yield
    finally:
        np.random.set_state(states[0])
        random.setstate(states[1])
