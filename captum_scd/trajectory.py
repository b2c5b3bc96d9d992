"""How masks formed: what a run had learned, every so many iterations."""

from collections.abc import Callable

import torch
from torch import Tensor

from captum_scd.calibration import Order, recut
from captum_scd.grid import Grid
from captum_scd.learning import SDR, SSR


class Trajectory:
    """Notes what has been learned so far, as a `Callback` of the optimisation.

    Args:
        every: iterations from one note to the next; 0 notes nothing.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self.notes: dict[int, Tensor] = {}

    def __call__(self, step: int, logits: Tensor) -> None:
        """Note logits (2, n, cells) after a step, counted from 1 over the whole run."""
        if self.every and step % self.every == 0:
            self.notes[step] = logits.clone()

    def frames(self, finished: Callable[[Tensor], Order], cells: Tensor, n_steps: int) -> Tensor:
        """Turn the notes into masks.

        Where to cut is known only at the end of a run, so each note is cut to the area of the finished mask.

        Args:
            finished: logits of the run -> an order, as for the finished masks.
            cells: (2, N, cells) the finished masks.
            n_steps: iterations the run took; a note of its end gives way to the finished masks.

        Returns:
            (frames, 2, N, cells) in [0, 1], the finished masks last; no frames if nothing is to be noted.
        """
        if not self.every:
            return cells.new_zeros(0, *cells.shape)
        notes = [recut(finished(logits), cells) for step, logits in self.notes.items() if step < n_steps]
        return torch.stack([*notes, cells])


def arranged(frames: Tensor, grid: Grid) -> list[dict[str, Tensor]]:
    """Arrange the cells of each input: frames (frames, 2, N, cells) -> `FIDOMasks.trajectory` an input."""
    if not len(frames):
        return [{} for _ in grid.layouts]
    rows = torch.arange(frames.shape[2], device=frames.device).repeat(len(frames))
    pairs = zip(*(grid.arrange(frames[:, mask].flatten(0, 1), rows) for mask in (SSR, SDR)), strict=True)
    steps = (len(frames), frames.shape[2])
    return [
        {"ssr_cells": ssr.unflatten(0, steps), "sdr_cells": sdr.unflatten(0, steps)} for ssr, sdr in pairs
    ]
