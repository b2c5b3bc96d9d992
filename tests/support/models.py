"""Small models whose right answer is known, and wrappers that watch how a model is used."""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

PATCH = (slice(2, 5), slice(3, 7))
"""Rows and columns that `PlantedPatch` looks at: 12 pixels."""


class TinyConv(nn.Module):
    """A convolution, a batch norm, a pooling and a linear layer: (N, channels, H, W) -> (N, 5)."""

    def __init__(self, channels: int = 3, dimensions: int = 2) -> None:
        super().__init__()
        conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
        norm = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dimensions]
        pool = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}[dimensions]
        self.body = nn.Sequential(conv(channels, 6, 3, padding=1), norm(6), nn.Tanh(), pool(2), nn.Flatten())
        self.head = nn.Linear(6 * 2**dimensions, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class PlantedPatch(nn.Module):
    """Sees only the mean brightness m of a patch; the probability of class 0 is 0.01 + 0.98 m."""

    def forward(self, x: Tensor) -> Tensor:
        brightness = x[(..., *PATCH)].flatten(1).mean(1).clamp(0, 1)
        log_odds = torch.logit(0.01 + 0.98 * brightness)
        return torch.stack([log_odds, torch.zeros_like(log_odds)], dim=1)

    @staticmethod
    def region(height: int, width: int) -> Tensor:
        """(1, 1, height, width) boolean, True in the patch."""
        region = torch.zeros(1, 1, height, width, dtype=torch.bool)
        region[(..., *PATCH)] = True
        return region


class Additive(nn.Module):
    """Two classes whose log-odds are the sum of all features."""

    def forward(self, x: Tensor) -> Tensor:
        total = x.flatten(1).sum(1)
        return torch.stack([total, torch.zeros_like(total)], dim=1)


class Watched(nn.Module):
    """Passes everything on, notes the rows of each call, and may fail."""

    def __init__(
        self,
        model: Callable[..., Any],
        most_rows: int | None = None,
        fail: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.most_rows = most_rows
        self.fail = fail
        self.rows: list[int] = []

    def forward(self, x: Tensor, *arguments: Any) -> Any:
        if self.most_rows is not None and len(x) > self.most_rows:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        self.rows.append(len(x))
        if self.fail is not None:
            self.fail(len(self.rows))
        return self.model(x, *arguments)


class SavedBytes:
    """Counts the bytes that autograd keeps for the backward pass, now and at most."""

    def __init__(self) -> None:
        self.now = 0
        self.peak = 0

    def __enter__(self) -> "SavedBytes":
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, lambda held: held.tensor)
        self._hooks.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self._hooks.__exit__(*details)

    def _pack(self, tensor: Tensor) -> "_Held":
        size = tensor.numel() * tensor.element_size()
        self._add(size)
        held = _Held(tensor)
        weakref.finalize(held, self._add, -size)
        return held

    def _add(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)


class _Held:
    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Colours(nn.Module):
    """An encoder that sees how much of an image is red, green and blue: (N, 3, H, W) -> (N, 4), never 0."""

    def __init__(self) -> None:
        super().__init__()
        self.spots = nn.Conv2d(3, 3, 1)
        self.spots.weight.data.copy_((2 * torch.eye(3) - 1)[..., None, None])
        self.spots.bias.data.fill_(-0.1)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.spots(x).relu().mean((2, 3))
        return torch.cat([seen, torch.full_like(seen[:, :1], 0.01)], dim=1)


def spotted(size: int = 12, **spots: tuple[int, int]) -> Tensor:
    """A dark image (3, size, size) with spots of 3 x 3 by colour: `spotted(red=(2, 3))`, row and column."""
    image = torch.full((3, size, size), 0.1)
    for colour, (row, column) in spots.items():
        image[:, row : row + 3, column : column + 3] = 0.0
        image[("red", "green", "blue").index(colour), row : row + 3, column : column + 3] = 1.0
    return image
