"""Finished masks tried on the model, forward only: how much of the class is there under each?"""

from collections.abc import Callable

import torch
from torch import Tensor

from captum_scd.composites import Composites

Amount = Callable[[Tensor], Tensor] | None


class Trials:
    """Tries masks that are cut hard.

    Args:
        composites: the batch and the model.
        amount: score -> amount of the class; None measures it from the infill's score to the input's.
    """

    def __init__(self, composites: Composites, amount: Amount) -> None:
        self.composites, self.amount = composites, amount
        self.examples = torch.arange(len(composites.inputs[0]), device=composites.inputs[0].device)
        nothing = torch.zeros(len(self.examples), composites.grid.count, device=self.examples.device)
        self._bare = self._scores(nothing, self.examples, invert=False)[:, None]
        self._whole = self._scores(nothing, self.examples, invert=True)[:, None]

    def shares(self, masks: Tensor, invert: bool) -> Tensor:
        """Share of the class that is left, relative to the whole input.

        Args:
            masks: (N, R, cells) in [0, 1], R of each example.
            invert: show what a mask cut at 0.5 leaves out, and not what it keeps.

        Returns:
            (N, R), 1 where all of the class is there.
        """
        rows = self.examples.repeat_interleave(masks.shape[1])
        scores = self._scores(masks.flatten(0, 1), rows, invert).view(masks.shape[:2])
        if self.amount is None:
            span = self._whole - self._bare
            return (scores - self._bare) / span.where(span != 0, 1.0)
        return self.amount(scores) / self.amount(self._whole).clamp(min=torch.finfo(scores.dtype).tiny)

    def _scores(self, cells: Tensor, examples: Tensor, invert: bool) -> Tensor:
        """Scores (rows,) of masks cut at 0.5 at the inputs' resolution, or of what is outside them."""

        def piece(rows: Tensor) -> Tensor:
            masks = self.composites.grid.expand(cells[rows], examples[rows])
            return self.composites.scores(tuple(((m >= 0.5) ^ invert).float() for m in masks), examples[rows])

        with torch.no_grad():
            return torch.cat(self.composites.in_pieces(piece, len(cells)))
