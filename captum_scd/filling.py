"""Which infills a run learns with and is judged with, and what they make of its inputs."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from torch import Generator, Tensor, nn

from captum_scd import infill as infills
from captum_scd.grid import MaskSize, is_of_tokens
from captum_scd.infill import Strategy
from captum_scd.network import module_of

DEFAULT_INFILLS = ("blur", "mean")
"""Two, so that a region does not live on what one of them leaves of the image."""

SECOND_INFILL = "mean"
"""What a region is put to the test with where only one infill is learned with."""

PLAIN_INFILL = "constant"
"""What stands for tokens: zeros, which are Captum's own default."""


def chosen(
    infill: Strategy | Sequence[Strategy], inputs: tuple[Tensor, ...], mask_size: MaskSize
) -> tuple[Strategy, ...]:
    """Infills to learn with: those asked for, where they differ; of a table they do not, so the first.

    Tokens are replaced by zeros where nothing else is asked for: blur and mean of a text hold its words.
    """
    several = infills.several(infill)
    if any(is_of_tokens(tensor, mask_size) for tensor in inputs) and several == DEFAULT_INFILLS:
        return (PLAIN_INFILL,)
    return several if _spatial(inputs) else several[:1]


def second(
    infill: Strategy | Sequence[Strategy], inputs: tuple[Tensor, ...], mask_size: MaskSize
) -> Strategy | None:
    """Find an infill that nothing is learned with; None where two are learned with, or no other differs."""
    learned = chosen(infill, inputs, mask_size)
    if len(learned) > 1 or not _spatial(inputs):
        return None
    if learned[0] != SECOND_INFILL:
        return SECOND_INFILL
    return PLAIN_INFILL if any(is_of_tokens(tensor, mask_size) for tensor in inputs) else "blur"


def another(
    infill: Strategy | Sequence[Strategy], inputs: tuple[Tensor, ...], mask_size: MaskSize
) -> Strategy | None:
    """Find the infill that regions are put to the test with beside the first; None where no other differs."""
    _, *further = chosen(infill, inputs, mask_size)
    return further[0] if further else second(infill, inputs, mask_size)


def filled(
    strategy: Strategy, inputs: tuple[Tensor, ...], mask_size: MaskSize, generator: Generator
) -> tuple[Tensor, ...]:
    """Make what replaces the inputs; infills with a name take tokens for the places, not for the channels."""
    fill = infills.resolve(strategy)

    def of(tensor: Tensor) -> Tensor:
        if callable(strategy) or not is_of_tokens(tensor, mask_size):
            return fill(tensor, generator)
        return fill(tensor.transpose(1, 2), generator).transpose(1, 2).contiguous()

    return tuple(map(of, inputs))


def warn_of_embeddings(forward_func: Callable[..., Any], inputs: tuple[Tensor, ...], stacklevel: int) -> None:
    """Warn, so many calls up, of inputs as wide as the model's embeddings that are to be read as signals."""
    module = module_of(forward_func)
    parts = () if module is None else module.modules()
    widths = {one.embedding_dim for one in parts if isinstance(one, (nn.Embedding, nn.EmbeddingBag))}
    if any(tensor.ndim == 3 and tensor.shape[2] in widths for tensor in inputs):
        warnings.warn(
            "Inputs of three dimensions are read as signals (N, C, L), whose channels share a mask, but the "
            "model has embeddings as wide; mask_size='tokens' gives each token of (N, T, D) a value.",
            stacklevel=stacklevel + 1,
        )


def _spatial(inputs: tuple[Tensor, ...]) -> bool:
    """Whether every input has axes along which there is a blur or a mean."""
    return all(tensor.ndim > 2 for tensor in inputs)
