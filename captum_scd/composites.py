"""Altered copies of the inputs, run through the model a capped number of rows at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from captum_scd.forward import Query
from captum_scd.grid import Grid

DEFAULT_ROWS = 64
"""Rows of one forward and backward pass where the user sets no cap."""

Piece = TypeVar("Piece")
RowScore = Callable[[Tensor, Tensor], Tensor]
"""(model output (n, ...), the example of each row (n,)) -> score of each row (n,)."""
RowLoss = Callable[[Tensor, Tensor], Tensor]
"""(scores (n,), positions of these rows (n,)) -> loss of each row (n,)."""
Fill = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(mask, 1 keeps; inputs; infill), (n, ...) each -> what the model sees."""


def blend(mask: Tensor, inputs: Tensor, infill: Tensor) -> Tensor:
    """Keep the inputs where the mask is 1, the infill where it is 0; in the inputs' dtype."""
    return (mask * inputs + (1 - mask) * infill).to(inputs.dtype)


@dataclass
class Composites:
    """Rows mask * input + (1 - mask) * infill, where each row keeps cells of its own.

    Attributes:
        inputs: tensors (N, ...), the user's examples.
        infills: same shapes, what stands where a mask takes away.
        query: the model and what it is asked.
        grid: how cells cover the inputs.
        rows: most rows in one pass; halved, for good, each time the accelerator runs out of memory.
        fill: makes what the model sees of a mask, the inputs and the infills.
    """

    inputs: tuple[Tensor, ...]
    infills: tuple[Tensor, ...]
    query: Query
    score: RowScore
    grid: Grid
    rows: int = DEFAULT_ROWS
    fill: Fill = blend

    def scores(self, masks: tuple[Tensor, ...], examples: Tensor) -> Tensor:
        """Score rows seen through masks at the inputs' resolution, 1 keeps; one pass, (rows,)."""
        parts = zip(masks, self.inputs, self.infills, strict=True)
        rows = tuple(self.fill(mask, x[examples], b[examples]) for mask, x, b in parts)
        return self.score(self.query(rows, examples), examples)

    def gradient(self, keep: Tensor, examples: Tensor, loss: RowLoss) -> tuple[Tensor, Tensor]:
        """Differentiate the summed loss of all rows in the kept cells.

        Args:
            keep: (rows, cells) in [0, 1], 1 keeps.
            examples: (rows,) example of each row.
            loss: of rows, from their scores.

        Returns:
            (rows, cells) gradient, and (rows,) scores.
        """

        def piece(rows: Tensor) -> tuple[Tensor, Tensor]:
            cells = keep[rows].detach().requires_grad_()
            scores = self.scores(self.grid.expand(cells, examples[rows]), examples[rows])
            return _gradient(loss(scores, rows).sum(), cells), scores.detach()

        gradients, scores = zip(*self.in_pieces(piece, len(keep)), strict=True)
        return torch.cat(gradients), torch.cat(scores)

    def covered(self, cells: Tensor) -> tuple[Tensor, ...]:
        """Put the infills where masks (N, cells) cut at 0.5 are 1, in place of the inputs."""
        masks = self.grid.expand(cells, torch.arange(len(cells), device=cells.device))
        parts = zip(masks, self.inputs, self.infills, strict=True)
        return tuple(blend((mask < 0.5).float(), x, b) for mask, x, b in parts)

    def in_pieces(self, work: Callable[[Tensor], Piece], count: int) -> list[Piece]:
        """Call `work` with the positions of at most `self.rows` rows at a time, until all are done."""
        pieces, self.rows = _in_pieces(work, count, self.rows, self.inputs[0].device)
        return pieces


def whole_outputs(
    query: Query, inputs: tuple[Tensor, ...], rows: int, work: Callable[[Tensor, Tensor], Piece]
) -> list[Piece]:
    """Give the model's output for the examples as they are to `work`, with the example of each row.

    Args:
        query: the model and what it is asked.
        inputs: tensors (N, ...), the user's examples.
        rows: most in one pass; none of them keeps a graph.
        work: (output (n, ...), examples (n,)) -> what is to be known of these.

    Returns:
        What `work` came to, piece by piece.
    """

    def piece(examples: Tensor) -> Piece:
        return work(query(tuple(tensor[examples] for tensor in inputs), examples), examples)

    with torch.no_grad():
        return _in_pieces(piece, len(inputs[0]), rows, inputs[0].device)[0]


def _in_pieces(
    work: Callable[[Tensor], Piece], count: int, rows: int, device: torch.device
) -> tuple[list[Piece], int]:
    """Do all the work in pieces of at most so many rows; also returns what the cap came to."""
    pieces: list[Piece] = []
    start = 0
    while start < count:
        positions = torch.arange(start, min(start + rows, count), device=device)
        piece = _attempt(work, positions)
        if piece is None:
            rows = (len(positions) + 1) // 2
        else:
            pieces.append(piece)
            start += len(positions)
    return pieces, rows


def _attempt(work: Callable[[Tensor], Piece], rows: Tensor) -> Piece | None:
    """Do a piece of work, or return None if memory does not suffice and fewer rows may help."""
    try:
        return work(rows)
    except RuntimeError as error:
        if "out of memory" not in str(error).lower() or len(rows) == 1:
            raise
    if rows.device.type == "cuda":
        torch.cuda.empty_cache()
    return None


def _gradient(loss: Tensor, cells: Tensor) -> Tensor:
    gradient = torch.autograd.grad(loss, cells, allow_unused=True)[0] if loss.requires_grad else None
    if gradient is None:
        raise RuntimeError(
            "Expected the model's output to depend differentiably on its input, but no gradient reaches it; "
            "does the model run under torch.no_grad(), detach its input, or return class numbers?"
        )
    return gradient
