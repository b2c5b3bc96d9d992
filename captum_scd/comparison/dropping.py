"""A transformer that sees only some tokens of an image: the rest is missing, and no infill is needed."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from captum_scd.comparison.layers import NotApplicableError, token_grid

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

    def keeping(self, tokens: Tensor) -> RemovableHandle:
        """Let the network see these tokens of each image alone, (N, K) numbers, and all that stand before."""

        def select(module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
            leading = given[0].shape[1] - self.grid[0] * self.grid[1]
            before = torch.arange(leading, device=tokens.device).expand(len(tokens), -1)
            kept = torch.cat([before, tokens + leading], dim=1)[..., None]
            return (given[0].gather(1, kept.expand(-1, -1, given[0].shape[2])), *given[1:])

        return self.module.register_forward_pre_hook(select)


@dataclass(frozen=True)
class Dropping:
    """A network that goes on where tokens are missing, found once for the maps of all methods.

    Attributes:
        entry: where its tokens go in.
        ask: gives the probabilities (N,) of the images' classes.
        whole: these, where all tokens are there.
    """

    entry: Entry
    ask: Callable[[], Tensor]
    whole: Tensor

    @classmethod
    def of(cls, model: Callable[..., Any], inputs: Tensor, ask: Callable[[], Tensor]) -> "Dropping":
        """Find the first module that takes tokens and lets the network go on where half of them are missing.

        Raises:
            NotApplicableError: for a network of no tokens, or one that needs all of them.
        """
        found, whole = _candidates(model, inputs, ask)
        for entry in found:
            half = torch.arange(0, entry.grid[0] * entry.grid[1], 2, device=inputs.device)
            one = cls(entry, ask, whole)
            try:
                answer = one.seen(half.expand(len(inputs), -1))
            except (RuntimeError, ValueError, IndexError):
                continue  # it adds places, or a bias between them, for all tokens
            if answer.isfinite().all():
                return one
        raise NotApplicableError("no module takes the tokens of an image and goes on where some are missing")

    def seen(self, tokens: Tensor) -> Tensor:
        """Ask for the probabilities (N,) where these tokens (N, K) alone are there."""
        with self.entry.keeping(tokens.sort(1).values):
            return self.ask()

    def difference(self, maps: Tensor) -> Tensor:
        """Area between what the most and what the least important tokens alone have of the class.

        The network sees some of an image's tokens and the others are left out, as transformers allow (Jain
        et al. 2022, "Missingness Bias in Model Debugging"), so that nothing stands in their place. A token
        counts as much as the mean of the map over its patch. Where k tokens are left, the k most important
        have one probability and the k least important another; the result is the mean of their difference
        over k, each relative to the whole image's and at most 1.

        Args:
            maps: (N, 1, H, W), larger = more important.

        Returns:
            (N,) in [-1, 1], larger is better, about 0 for a random map.
        """
        shares = F.adaptive_avg_pool2d(maps.float(), self.entry.grid).flatten(1)
        order = shares.argsort(dim=1, descending=True, stable=True)
        counts = torch.linspace(1, order.shape[1], STEPS).round().long().unique().tolist()
        whole = self.whole.clamp(min=torch.finfo(torch.float32).tiny)
        gains = []
        for count in counts:
            most, least = (self.seen(part) for part in (order[:, :count], order[:, -count:]))
            gains.append((most / whole).clamp(max=1) - (least / whole).clamp(max=1))
        left = torch.tensor(counts, device=maps.device) / order.shape[1]
        return torch.trapezoid(torch.stack(gains, dim=1), left)


def _candidates(
    model: Callable[..., Any], inputs: Tensor, ask: Callable[[], Tensor]
) -> tuple[list[Entry], Tensor]:
    """Find the modules that are given tokens (N, T, D) on a grid, the outermost first, and the answer."""
    if not isinstance(model, nn.Module) or isinstance(model, torch.jit.ScriptModule):
        raise NotApplicableError("the model is a function or TorchScript, whose tokens cannot be reached")
    size = inputs.shape[2], inputs.shape[3]
    found: list[Entry] = []

    def note(module: nn.Module, given: tuple[Any, ...]) -> None:
        tokens = given[0] if given else None
        if isinstance(tokens, Tensor) and tokens.ndim == 3 and len(tokens) == len(inputs):
            grid = token_grid(tokens.shape[1], size, None)
            found.extend([] if grid is None else [Entry(module, grid)])

    with ExitStack() as hooks:
        for part in model.modules():
            if next(part.children(), None) is not None:
                hooks.enter_context(part.register_forward_pre_hook(note))
        return found, ask()
