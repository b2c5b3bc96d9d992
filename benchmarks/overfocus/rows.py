"""The rows of the tables: what is dropped, mixed or retrained, all drops at the same layer and rate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from captum_scd.regularization import SaliencyGuidedDropout
from overfocus.cutmix import cutmix
from overfocus.last_layer import retrain
from overfocus.task import Task

BLOCK = 3
"""Side of the blocks of DropBlock."""


class DropBlock(nn.Module):
    """Drop square blocks of each channel (Ghiasi et al. 2018, arXiv 1810.12890, equation 1).

    Args:
        rate: share of the features that is dropped on average, about.
        block: side of a block; narrower maps have blocks as wide as they are.
    """

    def __init__(self, rate: float, block: int = BLOCK) -> None:
        super().__init__()
        self.rate, self.block = rate, block

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same, in training with blocks set to zero and the rest scaled up."""
        if not self.training or self.rate == 0:
            return x
        side = min(self.block, *x.shape[2:])
        free = [size - side + 1 for size in x.shape[2:]]
        share = self.rate / side**2 * (x.shape[2] * x.shape[3]) / (free[0] * free[1])
        corners = (torch.rand(*x.shape[:2], *free, device=x.device) < share).to(x.dtype)
        kept = 1 - F.max_pool2d(F.pad(corners, (side - 1,) * 4), side, stride=1)
        return x * kept / kept.mean().clamp(min=1e-3)


class RandomDrop(nn.Module):
    """A model with a random dropout behind one of its layers, called as `SaliencyGuidedDropout` is."""

    def __init__(self, model: nn.Module, layer: str, drop: nn.Module) -> None:
        super().__init__()
        self.model, self.drop = model, drop
        model.get_submodule(layer).register_forward_hook(lambda _, __, output: self.drop(output))

    def forward(self, x: Tensor, target: Tensor | None = None) -> Any:
        """Return logits; the target is not looked at."""
        return self.model(x)


def _random(make: Callable[[float], nn.Module], model: nn.Module, layer: str, rate: float) -> nn.Module:
    return RandomDrop(model, layer, make(rate))


def _salient(unit: str, model: nn.Module, layer: str, rate: float) -> nn.Module:
    return SaliencyGuidedDropout(model, layer, rate, unit=unit)


PLAIN = partial(_random, lambda rate: nn.Identity())


@dataclass(frozen=True)
class Row:
    """What is done otherwise than in plain training.

    Attributes:
        wrap: model, name of a layer, rate -> what is trained, called with `(x, target=labels)`.
        mix: images and probabilities of a step -> those that are trained on.
        finish: what is done to the trained tail of a task.
    """

    wrap: Callable[[nn.Module, str, float], nn.Module] = PLAIN
    mix: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None
    finish: Callable[[nn.Module, Task], None] | None = None


ROWS: Mapping[str, Row] = {
    "nothing": Row(),
    "dropout": Row(partial(_random, nn.Dropout)),
    "dropout2d": Row(partial(_random, nn.Dropout2d)),
    "dropblock": Row(partial(_random, DropBlock)),
    "cutmix": Row(mix=cutmix),
    "last-layer": Row(finish=retrain),
    "sgdrop": Row(partial(_salient, "position")),
    "sgdrop-channel": Row(partial(_salient, "channel")),
    "sgdrop-feature": Row(partial(_salient, "feature")),
}
