"""A transformer that sees only some tokens of an image: the rest is missing, and no infill is needed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from captum_scd.comparison.layers import NotApplicableError, token_grid
from captum_scd.comparison.question import Question
from captum_scd.forward import make_query
from captum_scd.objective import prob

STEPS = 20
"""Numbers of tokens at which the network is asked, twice each."""


@dataclass(frozen=True)
class Entry:
    """Where the tokens of images go in, their places already added to them.

    Attributes:
        module: takes tokens (N, T, D); those of the image stand last.
        grid: (h, w) of the image's tokens, row by row.
    """

    module: nn.Module
    grid: tuple[int, int]

    @contextmanager
    def keeping(self, tokens: Tensor) -> Iterator[None]:
        """Let the network see these tokens of each image alone, (N, K) numbers, and all that stand before."""

        def select(module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
            leading = given[0].shape[1] - self.grid[0] * self.grid[1]
            before = torch.arange(leading, device=tokens.device).expand(len(tokens), -1)
            kept = torch.cat([before, tokens + leading], dim=1)[..., None]
            return (given[0].gather(1, kept.expand(-1, -1, given[0].shape[2])), *given[1:])

        handle = self.module.register_forward_pre_hook(select)
        try:
            yield
        finally:
            handle.remove()


def difference_of_tokens(question: Question, maps: Tensor) -> Tensor:
    """Area between what the most and what the least important tokens alone have of the class.

    The network sees some of an image's tokens and the others are left out, as transformers allow (Jain et
    al. 2022, "Missingness Bias in Model Debugging"), so that nothing stands in their place. A token counts as
    much as the mean of the map over its patch. Where k tokens are left, the k most important have one
    probability and the k least important another; the result is the mean of their difference over k, each
    relative to the whole image's and at most 1.

    Args:
        question: the network, images (N, C, H, W) and classes.
        maps: (N, 1, H, W), larger = more important.

    Returns:
        (N,) in [-1, 1], larger is better, about 0 for a random map.

    Raises:
        NotApplicableError: for a network of no tokens, or one that needs all of them.
    """
    entry = _entry(question)
    shares = F.adaptive_avg_pool2d(maps.float(), entry.grid).flatten(1)
    order = shares.argsort(dim=1, descending=True, stable=True)
    counts = torch.linspace(1, order.shape[1], STEPS).round().long().unique().tolist()
    whole = _probability(question).clamp(min=torch.finfo(torch.float32).tiny)
    gains = []
    for count in counts:
        most, least = (_seen(question, entry, part) for part in (order[:, :count], order[:, -count:]))
        gains.append((most / whole).clamp(max=1) - (least / whole).clamp(max=1))
    seen = torch.tensor(counts, device=maps.device) / order.shape[1]
    return torch.trapezoid(torch.stack(gains, dim=1), seen)


def _seen(question: Question, entry: Entry, tokens: Tensor) -> Tensor:
    with entry.keeping(tokens.sort(1).values):
        return _probability(question)


def _probability(question: Question) -> Tensor:
    """Probability (N,) of the classes of all images."""
    inputs = question.inputs
    examples = torch.arange(len(inputs), device=inputs.device)
    query = make_query(question.model, (inputs,), question.target, question.additional_forward_args)
    with torch.no_grad():
        return prob(query((inputs,), examples), query.targets(examples))


def _entry(question: Question) -> Entry:
    """Find the first module that takes tokens and lets the network go on where half of them are missing."""
    for entry in _candidates(question):
        half = torch.arange(0, entry.grid[0] * entry.grid[1], 2, device=question.inputs.device)
        try:
            answer = _seen(question, entry, half.expand(len(question.inputs), -1))
        except (RuntimeError, ValueError, IndexError):
            continue  # it adds places, or a bias between them, for all tokens
        if answer.isfinite().all():
            return entry
    raise NotApplicableError("no module takes the tokens of an image and goes on where some are missing")


def _candidates(question: Question) -> list[Entry]:
    """Modules that are given tokens (N, T, D) on a grid, the outermost and first ones first."""
    model, size = question.model, (question.inputs.shape[2], question.inputs.shape[3])
    if not isinstance(model, nn.Module) or isinstance(model, torch.jit.ScriptModule):
        raise NotApplicableError("the model is a function or TorchScript, whose tokens cannot be reached")
    found: list[Entry] = []

    def note(module: nn.Module, given: tuple[Any, ...]) -> None:
        tokens = given[0] if given else None
        if isinstance(tokens, Tensor) and tokens.ndim == 3 and len(tokens) == len(question.inputs):
            grid = token_grid(tokens.shape[1], size, None)
            found.extend([] if grid is None else [Entry(module, grid)])

    with _hooked([part for part in model.modules() if next(part.children(), None) is not None], note):
        question.answer()
    return found


@contextmanager
def _hooked(modules: list[nn.Module], hook: Callable[..., None]) -> Iterator[None]:
    handles = [module.register_forward_pre_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
