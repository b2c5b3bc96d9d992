"""Finished masks tried on the model, forward only: how much of the class is there under each?"""

from collections.abc import Callable, Sequence
from copy import copy

import torch
from torch import Tensor

from captum_scd.composites import Composites

Amount = Callable[[Tensor], Tensor] | None


class Trials:
    """Tries masks that are cut hard.

    Args:
        composites: the batch and the model, once for each infill.
        amount: score -> amount of the class; None measures it from the infill's score to the input's.
        whole: scores (N,) of what counts as the whole input; by default those of the composites' inputs.
        least: see `Score`.
    """

    def __init__(
        self,
        composites: Sequence[Composites],
        amount: Amount,
        whole: Tensor | None = None,
        least: float = float("-inf"),
    ) -> None:
        self.composites, self.amount, self.least = composites, amount, least
        inputs, self.grid = composites[0].inputs[0], composites[0].grid
        self.examples = torch.arange(len(inputs), device=inputs.device)
        shape = len(inputs), self.grid.count
        nothing = torch.zeros(shape, dtype=torch.float32, device=inputs.device)
        bare = [self._scores(one, nothing, self.examples, invert=False) for one in composites]
        self._bare = torch.stack(bare)[..., None]
        self.whole = self._scores(composites[0], nothing, self.examples, True) if whole is None else whole

    def of_first_infill(self) -> "Trials":
        """The same trials under the first infill alone, nothing asked anew."""
        first = copy(self)
        first.composites, first._bare = self.composites[:1], self._bare[:1]
        return first

    @property
    def bare(self) -> Tensor:
        """Share of the class that the infills alone give, (infills, N), in the form of `shares`."""
        return self._share(self._bare)[..., 0]

    @property
    def led(self) -> Tensor:
        """Whether the whole input has any of what is asked for, (N,); if not, shares are amounts."""
        if self.amount is None:
            return torch.ones_like(self.whole, dtype=torch.bool)
        return self.whole >= self.least

    @property
    def alone(self) -> Tensor:
        """Share of the class that the infills alone give, (infills, N), NaN where there is no telling.

        Without an amount, shares begin at the infill; where the whole input has hardly more, it has all: 1.
        """
        if self.amount is not None:
            return self.bare
        nothing = self.whole - self._bare[..., 0] < self.least
        return nothing.float().where(nothing, float("nan"))

    def shares(self, masks: Tensor, invert: bool) -> Tensor:
        """Share of the class that is left under each infill, relative to the whole input.

        Args:
            masks: (N, R, cells) in [0, 1], R of each example.
            invert: show what a mask cut at 0.5 leaves out, and not what it keeps.

        Returns:
            (infills, N, R), 1 where all of the class is there.
        """
        rows = self.examples.repeat_interleave(masks.shape[1])
        scores = [self._scores(one, masks.flatten(0, 1), rows, invert) for one in self.composites]
        return self._share(torch.stack(scores).view(-1, *masks.shape[:2]))

    def _share(self, scores: Tensor) -> Tensor:
        """Scores (infills, N, R) -> shares of the same shape."""
        whole = self.whole[:, None]
        if self.amount is None:
            span = whole - self._bare
            return (scores - self._bare) / span.where(span != 0, 1.0)
        there = self.amount(whole).clamp(min=torch.finfo(scores.dtype).tiny)
        return self.amount(scores) / there.where(self.led[:, None], 1.0)

    def _scores(self, composites: Composites, cells: Tensor, examples: Tensor, invert: bool) -> Tensor:
        """Scores (rows,) of masks cut at 0.5 at the inputs' resolution, or of what is outside them."""

        def piece(rows: Tensor) -> Tensor:
            masks = self.grid.expand(cells[rows], examples[rows])
            return composites.scores(tuple(((m >= 0.5) ^ invert).float() for m in masks), examples[rows])

        with torch.no_grad():
            return torch.cat(composites.in_pieces(piece, len(cells)))
