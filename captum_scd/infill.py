"""Image in, replacement image out: what stands where a mask takes pixels away.

Every infill maps `(inputs, generator)` to a tensor of the inputs' shape. Inputs have a batch dimension
first, channels second and any number of spatial axes after them. Where an infill draws at random, the
draw is shared by all examples of the batch, so that an example's infill does not depend on its neighbours.
Infills that look at neighbours or at a whole channel (blur, mean, ...) of inputs that have no spatial
axes, such as tabular N x F ones, are zeros: Captum's own default baseline.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Generator, Tensor

from captum_scd._captum import Baselines
from captum_scd._strategies import Strategies, describe
from captum_scd.smoothing import box, filtered, gaussian, reflect

__all__ = [
    "INFILLS",
    "blur",
    "can_be_repeated",
    "constant",
    "given",
    "local_mean",
    "mean",
    "named",
    "normal",
    "resolve",
    "several",
    "shuffle",
    "uniform",
]

Infill = Callable[[Tensor, Generator], Tensor]
Strategy = str | Callable[..., Tensor]

REFERENCE_SIZE = 224
"""Lengths in pixels below are meant at this image size and scale with the image."""


def blur(inputs: Tensor, generator: Generator | None = None, sigma: float = 10.0) -> Tensor:
    """Blur with a Gaussian, axis by axis, reflecting at the borders.

    Args:
        inputs: (N, C, *spatial), any number of channels and any size.
        generator: not used.
        sigma: standard deviation in pixels of a 224-pixel image; scaled with the image.

    Returns:
        The blurred inputs, same shape and dtype.

    >>> edge = torch.tensor([[[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]]])
    >>> blurred = blur(edge, sigma=224 / 6)  # one pixel of six
    >>> bool((blurred.diff() > 0).all()), torch.allclose(blurred + blurred.flip(2), torch.ones(6))
    (True, True)
    """
    return _filtered(inputs, gaussian(sigma * _scale(inputs)))


def local_mean(inputs: Tensor, generator: Generator | None = None, width: float = 15.0) -> Tensor:
    """Average over a square window around each pixel, reflecting at the borders.

    Args:
        inputs: (N, C, *spatial).
        generator: not used.
        width: window width in pixels of a 224-pixel image; scaled with the image, rounded to odd.

    Returns:
        The averaged inputs, same shape and dtype.

    >>> local_mean(torch.tensor([[[0.0, 3.0, 0.0, 0.0, 6.0, 0.0]]]), width=3 * 224 / 6)
    tensor([[[2., 1., 1., 2., 2., 4.]]])
    """
    return _filtered(inputs, box(width * _scale(inputs)))


def mean(inputs: Tensor, generator: Generator | None = None) -> Tensor:
    """Replace every pixel by its channel's mean over the image; (N, C, *spatial) in and out.

    >>> mean(torch.tensor([[[1.0, 3.0], [0.0, 8.0]]]))
    tensor([[[2., 2.],
             [4., 4.]]])
    """
    if inputs.ndim < 3:
        return torch.zeros_like(inputs)
    return inputs.mean(dim=_spatial_axes(inputs), keepdim=True).expand_as(inputs).contiguous()


def constant(inputs: Tensor, generator: Generator | None = None, value: float = 0.0) -> Tensor:
    """Replace every pixel by one value, 0 by default (Captum's default baseline).

    >>> constant(torch.ones(1, 2, 2), value=0.5)
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]])
    """
    return torch.full_like(inputs, value)


def uniform(inputs: Tensor, generator: Generator) -> Tensor:
    """Replace by uniform noise between each channel's least and greatest value in the image.

    >>> image = torch.tensor([[[1.0, 2.0, 4.0], [7.0, 7.0, 7.0]]])
    >>> filled = uniform(image, Generator().manual_seed(0))
    >>> bool(((filled >= 1) & (filled <= 4))[0, 0].all()), filled[0, 1]
    (True, tensor([7., 7., 7.]))
    """
    axes = _statistics_axes(inputs)
    low, high = inputs.amin(axes, keepdim=True), inputs.amax(axes, keepdim=True)
    return low + (high - low) * _shared_draw(torch.rand, inputs, generator)


def normal(inputs: Tensor, generator: Generator) -> Tensor:
    """Replace by Gaussian noise with each channel's mean and standard deviation in the image.

    >>> image = 5 + 2 * torch.randn(1, 1, 100, 100)
    >>> filled = normal(image, Generator().manual_seed(0))
    >>> round(filled.mean().item()), round(filled.std().item())
    (5, 2)
    """
    axes = _statistics_axes(inputs)
    center, spread = inputs.mean(axes, keepdim=True), inputs.std(axes, keepdim=True, correction=0)
    return center + spread * _shared_draw(torch.randn, inputs, generator)


def shuffle(inputs: Tensor, generator: Generator, patch: float = 16.0) -> Tensor:
    """Cut the image into square patches and shuffle them.

    What is left has the image's own colours and textures, but no object: a cheap relative of knockoffs
    (Popescu et al. 2021). All examples of a batch get the same permutation.

    Args:
        inputs: (N, C, *spatial); sizes that the patch does not divide are padded by reflection, then cut.
        generator: draws the permutation.
        patch: patch width in pixels of a 224-pixel image; scaled with the image, at least 1.

    Returns:
        The shuffled inputs, same shape and dtype.

    >>> image = torch.arange(16.0).view(1, 1, 4, 4)
    >>> moved = shuffle(image, Generator().manual_seed(0), patch=2 * 224 / 4)
    >>> moved.flatten().sort().values.equal(image.flatten()), moved.equal(image)
    (True, False)
    """
    if inputs.ndim < 3:
        return torch.zeros_like(inputs)
    width = max(1, round(patch * _scale(inputs)))
    padded = _padded_to_multiple(inputs, width)
    patches = _split(padded, width)
    order = torch.randperm(patches.shape[2], generator=generator, device="cpu").to(inputs.device)
    shuffled = _join(patches[:, :, order], padded.shape)
    for axis in _spatial_axes(inputs):
        shuffled = shuffled.narrow(axis, 0, inputs.shape[axis])
    return shuffled.contiguous()


INFILLS: Strategies[Infill] = Strategies(
    "infill",
    {
        "blur": blur,
        "mean": mean,
        "constant": constant,
        "uniform": uniform,
        "normal": normal,
        "local_mean": local_mean,
        "shuffle": shuffle,
    },
)
"""The infills by name. A new one is one function, one line here and one in `__all__`."""


def resolve(strategy: str | Callable[..., Tensor]) -> Infill:
    """Turn a name or a callable `(inputs)` or `(inputs, generator)` into an infill.

    Args:
        strategy: one of `INFILLS`, or a callable, such as a generative in-painter; it may take a
            `torch.Generator` as an argument named `generator`.

    Returns:
        A function `(inputs, generator)` whose result is checked to have the inputs' shape.

    Raises:
        ValueError: for an unknown name. The returned function raises it for a result that is no tensor,
            has another shape, or is not finite.

    >>> image = torch.rand(1, 3, 8, 8)
    >>> darker = resolve(lambda inputs: inputs / 2)
    >>> darker(image, Generator()).equal(image / 2)
    True
    >>> resolve("inpaint")
    Traceback (most recent call last):
        ...
    ValueError: Expected `infill` to be one of 'blur', 'mean', ... or a callable, but got 'inpaint'.
    """
    function: Callable[..., Tensor] = INFILLS.resolve(strategy)
    draws = _takes_generator(function)

    def fill(inputs: Tensor, generator: Generator) -> Tensor:
        filled = function(inputs.clone(), **({"generator": generator} if draws else {}))
        return _checked(filled, inputs, describe(strategy))

    return fill


def several(strategy: "Strategy | Sequence[Strategy]") -> tuple[Strategy, ...]:
    """One or several strategies as a tuple, each of them known.

    Raises:
        ValueError: for an unknown name, or none at all.

    >>> several("blur"), several(("blur", "mean"))
    (('blur',), ('blur', 'mean'))
    """
    found = (strategy,) if isinstance(strategy, str) or callable(strategy) else tuple(strategy)
    if not found:
        raise ValueError("Expected at least one `infill`, but got none.")
    for one in found:
        resolve(one)
    return found


def named(strategies: Sequence[Strategy]) -> str | list[str]:
    """Name strategies as records do: one by its name, several as a list.

    >>> named(("blur",)), named(("blur", "mean"))
    ('blur', ['blur', 'mean'])
    """
    names = [describe(one) for one in strategies]
    return names if len(names) > 1 else names[0]


@cache
def can_be_repeated(name: str) -> bool:
    """Tell whether an infill can be made again from the picture before it was normalised.

    It is tried out: it must draw nothing, and give the same before and after any normalisation. False where
    there is no infill of that name.

    >>> can_be_repeated("blur"), can_be_repeated("constant"), can_be_repeated("shuffle")
    (True, False, False)
    """
    if name not in INFILLS:
        return False
    fill, draw = resolve(name), Generator().manual_seed
    picture = torch.rand(1, 3, 32, 32, generator=draw(0), dtype=torch.float32, device="cpu")
    filled, normalized = fill(picture, draw(1)), fill(2 * picture - 1, draw(2))
    return torch.allclose(normalized, 2 * filled - 1, atol=1e-4)


def given(baselines: Baselines, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Spread baselines to the shape, dtype and device of their inputs.

    Args:
        baselines: one per input, several as a tuple: a number, or a tensor that broadcasts to its input, such
            as (1, C, 1, 1) or (C, H, W). One axis alone stands for the channels of inputs that have further
            axes: (C,) for images (N, C, H, W), one number per channel. None stands for 0.
        inputs: tensors (N, ...).

    Raises:
        ValueError: for baselines that are not finite.
        AssertionError: for baselines that do not fit the inputs, as Captum does.

    >>> (baseline,) = given(torch.tensor([0.1, 0.2, 0.3]), (torch.zeros(2, 3, 4, 4),))
    >>> baseline.shape, baseline[1, :, 0, 0]
    (torch.Size([2, 3, 4, 4]), tensor([0.1000, 0.2000, 0.3000]))
    """
    alone = baselines if isinstance(baselines, tuple) else (baselines,)
    values = (0,) * len(inputs) if baselines is None else alone
    try:
        filled = tuple(_spread(value, tensor) for value, tensor in zip(values, inputs, strict=True))
    except (TypeError, ValueError, RuntimeError) as error:
        raise AssertionError(_misfit(alone, inputs)) from error
    if not all(tensor.isfinite().all() for tensor in filled):
        raise ValueError("Expected finite `baselines`, but got NaN or infinity.")
    return filled


def _spread(value: object, inputs: Tensor) -> Tensor:
    """Broadcast a number or a tensor to its input; one axis alone is that of the channels."""
    if not isinstance(value, (Tensor, np.ndarray, np.generic, int, float)):
        raise TypeError
    tensor = torch.as_tensor(value, dtype=inputs.dtype, device=inputs.device)
    if tensor.ndim == 1 and inputs.ndim > 2:
        tensor = tensor.view(-1, *[1] * (inputs.ndim - 2))
    return tensor.expand_as(inputs).clone(memory_format=torch.contiguous_format)


def _misfit(baselines: tuple[object, ...], inputs: tuple[Tensor, ...]) -> str:
    """Say which baselines would fit, without their numbers."""
    wanted = ", ".join(str(tuple(tensor.shape)) for tensor in inputs)
    came = ", ".join(
        str(tuple(one.shape)) if isinstance(one, Tensor) else type(one).__name__ for one in baselines
    )
    return (
        f"Expected `baselines` to be numbers or tensors that broadcast to {wanted}, one an input, or one "
        f"number per channel, but got {came}. The class to explain goes to `target`."
    )


def _takes_generator(function: Callable[..., Tensor]) -> bool:
    """Tell whether a callable has an argument `generator`; built-in ones may not tell, and have none."""
    try:
        return "generator" in inspect.signature(function).parameters
    except ValueError:
        return False


def _checked(filled: object, inputs: Tensor, name: str) -> Tensor:
    if not isinstance(filled, Tensor) or filled.shape != inputs.shape:
        came = f"shape {tuple(filled.shape)}" if isinstance(filled, Tensor) else type(filled).__name__
        raise ValueError(
            f"Expected infill {name!r} to return a tensor of shape {tuple(inputs.shape)}, but got {came}."
        )
    if not filled.isfinite().all():
        raise ValueError(f"Expected infill {name!r} to return finite values, but got NaN or infinity.")
    return filled.detach().to(inputs)


def _spatial_axes(inputs: Tensor) -> tuple[int, ...]:
    return tuple(range(2, inputs.ndim))


def _statistics_axes(inputs: Tensor) -> tuple[int, ...]:
    """Take statistics over space where there is some, over the features of an example otherwise."""
    return _spatial_axes(inputs) or tuple(range(1, inputs.ndim))


def _scale(inputs: Tensor) -> float:
    """Side of the square (cube) as large as the image, in units of the reference size."""
    sizes = inputs.shape[2:]
    return float(torch.Size(sizes).numel() ** (1 / max(1, len(sizes)))) / REFERENCE_SIZE


def _shared_draw(draw: Callable[..., Tensor], inputs: Tensor, generator: Generator) -> Tensor:
    return draw((1, *inputs.shape[1:]), generator=generator, dtype=torch.float32, device="cpu").to(inputs)


def _filtered(inputs: Tensor, kernel: Tensor) -> Tensor:
    return filtered(inputs, kernel) if inputs.ndim > 2 else torch.zeros_like(inputs)


def _padded_to_multiple(inputs: Tensor, width: int) -> Tensor:
    for axis in _spatial_axes(inputs):
        size = inputs.shape[axis]
        padded = -(-size // width) * width
        inputs = inputs.index_select(axis, reflect(torch.arange(padded, device=inputs.device), size))
    return inputs


def _split(inputs: Tensor, width: int) -> Tensor:
    """(N, C, *spatial) -> (N, C, patches, pixels of a patch)."""
    axes = inputs.ndim - 2
    blocks = inputs.reshape(
        *inputs.shape[:2], *(n for size in inputs.shape[2:] for n in (size // width, width))
    )
    order = [0, 1, *range(2, 2 + 2 * axes, 2), *range(3, 3 + 2 * axes, 2)]
    return blocks.permute(order).reshape(*inputs.shape[:2], -1, width**axes)


def _join(patches: Tensor, shape: torch.Size) -> Tensor:
    """Undo `_split`."""
    axes = len(shape) - 2
    width = round(patches.shape[3] ** (1 / axes))
    blocks = patches.reshape(*shape[:2], *(size // width for size in shape[2:]), *([width] * axes))
    order = [0, 1, *(n for axis in range(axes) for n in (2 + axis, 2 + axes + axis))]
    return blocks.permute(order).reshape(shape)
