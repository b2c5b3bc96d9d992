"""A private source of random numbers: same seed, same numbers, global generators untouched."""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Chance:
    """Random numbers, choices and grids from one seeded CPU generator."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a number between low and high."""
        return low + (high - low) * torch.rand((), generator=self._generator).item()

    def integer(self, low: int, high: int) -> int:
        """Return a whole number in [low, high]."""
        return int(torch.randint(low, high + 1, (), generator=self._generator).item())

    def choice(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.integer(0, len(options) - 1)]

    def sign(self) -> float:
        """Return -1 or 1."""
        return self.choice((-1.0, 1.0))

    def grid(self, rows: int, columns: int) -> Tensor:
        """Return independent numbers in [0, 1), shape (rows, columns)."""
        return torch.rand((rows, columns), generator=self._generator)

    def seeds(self, n: int) -> list[int]:
        """Return n seeds for further generators; the first ones do not depend on n."""
        return [self.integer(0, 2**31 - 1) for _ in range(n)]
