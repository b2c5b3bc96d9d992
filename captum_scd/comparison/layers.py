"""Where GradCAM looks: the last map of features that a convolutional network makes.

Found by running the network once and noting what each module returns, so that it holds for any way of
building one. Three traps are avoided: the last convolution may make only a part of the map (the branches of
Inception, DenseNet and SqueezeNet), so what is taken is the last map of its size; it may be the classifier
itself, giving a map for each class, after which no weights follow; and it may be the patch embedding of a
vision transformer, after which everything is decided among tokens. There it is the last module whose tokens
of the image still reach the class: behind the last attention, a class token knows all, and no other counts.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

PASSING_ON = (nn.Identity, _DropoutNd)
"""Modules that return what they were given, in evaluation."""

MOST_LEADING = 16
"""Class and register tokens that may stand before those of the image."""


class NotApplicableError(Exception):
    """A method has no meaning for this model; the message says why."""


@dataclass(frozen=True)
class Step:
    """A module that has returned a tensor.

    Attributes:
        name: of the module in the model.
        module: the module.
        shape: of what it returned.
        output: what it returned, where that was to be kept.
    """

    name: str
    module: nn.Module
    shape: tuple[int, ...]
    output: Tensor | None = field(default=None, kw_only=True)

    @property
    def is_map(self) -> bool:
        """Tell whether it returned (N, C, H, W) with more than one place."""
        return len(self.shape) == 4 and self.shape[2] * self.shape[3] > 1

    @property
    def is_convolution(self) -> bool:
        """Tell whether it is a convolution that returned a map."""
        return isinstance(self.module, nn.Conv2d) and self.is_map

    @property
    def has_weights(self) -> bool:
        """Tell whether the module has parameters of its own."""
        return next(self.module.parameters(recurse=False), None) is not None

    @property
    def is_tokens(self) -> bool:
        """Tell whether it returned tokens (N, T, D) of its own making, a linear layer's excepted."""
        passes_on = isinstance(self.module, (nn.Linear, *PASSING_ON))
        return len(self.shape) == 3 and self.shape[1] > 1 and not passes_on

    @property
    def mixes_tokens(self) -> bool:
        """Tell whether it is a linear layer that is used at many places."""
        places = self.shape[1:-1]
        return isinstance(self.module, nn.Linear) and any(size > 1 for size in places)


def feature_layer(model: Callable[..., Any], run: Callable[[], Any]) -> Step:
    """Find the module whose output is the last map of features.

    Args:
        model: the network.
        run: runs the network once.

    Returns:
        The module, its name and the shape of its output: the last map as large as that of the last
        convolution, the classifier's excepted.

    Raises:
        TypeError: if the model is not a module.
        NotApplicableError: if it is TorchScript, or has no convolution that gives a map, or goes on with
            tokens after it.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"Expected the model to be a torch.nn.Module, but got {type(model).__name__}.")
    with _recorded(model) as steps:
        run()
    start, end = _last_features(steps)
    size, calls = steps[start].shape[2:], Counter(step.name for step in steps)
    same = [
        place
        for place in range(start, end)
        if steps[place].is_map
        and steps[place].shape[2:] == size
        and not isinstance(steps[place].module, PASSING_ON)
    ]
    last = max(same, key=lambda place: (calls[steps[place].name] == 1, place))
    if any(step.mixes_tokens for step in steps[last + 1 :]):
        raise NotApplicableError(
            f"after its last convolution, in {steps[last].name!r}, the model goes on with tokens, "
            "as vision transformers do"
        )
    return steps[last]


def _last_features(steps: list[Step]) -> tuple[int, int]:
    """Positions of the last convolution and of the classifier after it, or of the end."""
    places = [place for place, step in enumerate(steps) if step.is_convolution]
    if not places:
        raise NotApplicableError("the model has no convolution (torch.nn.Conv2d) that gives a map")
    last = places[-1]
    classifies = not any(step.has_weights for step in steps[last + 1 :])
    if classifies and len(places) > 1:
        return places[-2], last
    return last, len(steps)


@dataclass(frozen=True)
class TokenStep(Step):
    """A module that has returned tokens (N, T, D).

    Attributes:
        grid: (h, w) of the image's tokens, row by row; class and register tokens stand before them.
    """

    grid: tuple[int, int]

    def of_image(self, tokens: Tensor) -> Tensor:
        """Drop the class token and the registers, (N, T, D) -> (N, h * w, D)."""
        return tokens[:, tokens.shape[1] - self.grid[0] * self.grid[1] :]


def token_layer(model: nn.Module, score: Callable[[], Tensor], size: tuple[int, int]) -> TokenStep:
    """Find the last module that returns tokens of which those of the image still matter to the class.

    Args:
        model: the network.
        score: runs it once, with a graph; the summed score of the classes.
        size: (H, W) of the images.

    Raises:
        NotApplicableError: if no module returns tokens that lie on a grid.
    """
    with _recorded(model, keep=True) as steps:
        total = score()
    embedded = next((step.shape[2:] for step in reversed(steps) if step.is_convolution), None)
    found = [_on_grid(step, token_grid(step.shape[1], size, embedded)) for step in steps if step.is_tokens]
    candidates = [step for step in found if step is not None and step.output is not None]
    outputs = [step.output for step in candidates if step.output is not None]
    gradients = torch.autograd.grad(total, outputs, allow_unused=True) if outputs else ()
    for step, gradient in reversed(list(zip(candidates, gradients, strict=True))):
        if gradient is not None and step.of_image(gradient).any():
            return replace(step, output=None)
    raise NotApplicableError("no module of the model returns tokens on a grid that reach the class")


def token_grid(count: int, size: tuple[int, int], embedded: tuple[int, ...] | None) -> tuple[int, int] | None:
    """Find the grid on which tokens lie, some before it left over; None where there is none.

    Args:
        count: number T of tokens.
        size: (H, W) of the image.
        embedded: (h, w) of the patch embedding where it is a convolution.

    >>> token_grid(1 + 4 + 16 * 16, (224, 224), (16, 16)), token_grid(1 + 6 * 8, (96, 128), None)
    ((16, 16), (6, 8))
    """
    if embedded is not None and 0 <= count - embedded[0] * embedded[1] <= MOST_LEADING:
        return embedded[0], embedded[1]
    for places in range(count, max(3, count - MOST_LEADING - 1), -1):
        high = round((places * size[0] / size[1]) ** 0.5)
        wide = round((places * size[1] / size[0]) ** 0.5)
        if high * wide == places:
            return high, wide
    return None


def _on_grid(step: Step, grid: tuple[int, int] | None) -> TokenStep | None:
    return None if grid is None else TokenStep(**vars(step), grid=grid)


@contextmanager
def _recorded(model: nn.Module, keep: bool = False) -> Iterator[list[Step]]:
    """Note the modules of a model, itself excepted, as they return tensors, which are kept with a graph."""
    if any(isinstance(part, torch.jit.ScriptModule) for part in model.modules()):
        raise NotApplicableError("the model is TorchScript, whose layers cannot be watched")
    steps: list[Step] = []

    def note(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                kept = output if keep and output.requires_grad else None
                steps.append(Step(name, module, tuple(output.shape), output=kept))

        return hook

    handles = [part.register_forward_hook(note(name)) for name, part in model.named_modules() if name]
    try:
        yield steps
    finally:
        for handle in handles:
            handle.remove()
