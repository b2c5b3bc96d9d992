"""A linear classifier on a frozen network's pooled features, trained on all folds but one."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from captum_scd.classification import crop_resize

PARTS = 4
"""Random parts of each training image that are trained on, beside the image and its mirror image."""

LEAST_PART = 0.25
"""Smallest share of an image's area that is trained on."""

PENALTIES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Weights of the squared norm; the one with the least log-loss in inner folds is taken."""

INNER_FOLDS = 5
STEPS = 60


class Head(nn.Module):
    """Pooled features and one linear layer: images (N, 3, H, W) -> logits (N, classes)."""

    def __init__(self, network: nn.Module, last: nn.Linear) -> None:
        super().__init__()
        self.features = network.get_submodule("features")
        self.last = last

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.last(self.features(images).mean((2, 3)))
        return logits


@dataclass(frozen=True)
class Pool:
    """Pooled features (images, views, features) of all images, the image itself first; labels (images,)."""

    features: Tensor
    labels: Tensor

    def train(self, rows: Tensor) -> nn.Linear:
        """Train on some images, with the penalty that serves best in folds among them."""
        inner = stratified_folds(self.labels[rows].tolist(), INNER_FOLDS, seed=0)
        losses = [self._inner_loss(rows, inner, penalty) for penalty in PENALTIES]
        return self._fit(rows, PENALTIES[losses.index(min(losses))])

    def _inner_loss(self, rows: Tensor, folds: Tensor, penalty: float) -> float:
        total = 0.0
        for fold in range(INNER_FOLDS):
            last, held = self._fit(rows[folds != fold], penalty), rows[folds == fold]
            logits = last(self.features[held, 0])
            total += F.cross_entropy(logits, self.labels[held], reduction="sum").item()
        return total

    def _fit(self, rows: Tensor, penalty: float) -> nn.Linear:
        pooled = self.features[rows].flatten(0, 1)
        labels = self.labels[rows].repeat_interleave(self.features.shape[1])
        mean, std = pooled.mean(0), pooled.std(0).clamp(min=1e-6)
        classes = int(self.labels.max()) + 1
        weight, bias = _logistic_regression((pooled - mean) / std, labels, classes, penalty)
        return _on_raw_features(mean, std, weight, bias)


def _on_raw_features(mean: Tensor, std: Tensor, weight: Tensor, bias: Tensor) -> nn.Linear:
    """Make the mean and deviation of standardised features part of a layer's weights."""
    layer = nn.Linear(weight.shape[1], weight.shape[0]).requires_grad_(False)
    layer.weight.copy_(weight / std)
    layer.bias.copy_(bias - (weight * mean / std).sum(1))
    return layer


def views(image: Tensor, generator: torch.Generator) -> Tensor:
    """An image (1, 3, H, W) as it is trained on: itself, its mirror image, and random parts, half mirrored.

    The parts have the image's proportions; their share of its area is even between `LEAST_PART` and 1.
    """
    height, width = image.shape[2:]
    draws = torch.rand(PARTS, 4, generator=generator)
    side = (LEAST_PART + (1 - LEAST_PART) * draws[:, 0]).sqrt()
    x0, y0 = ((1 - side) * draws[:, place] for place in (1, 2))
    boxes = torch.stack([x0 * width, y0 * height, (x0 + side) * width, (y0 + side) * height], dim=1)
    parts = crop_resize(image.expand(PARTS, -1, -1, -1), boxes, (height, width))
    mirrored = torch.where(draws[:, 3].view(-1, 1, 1, 1) < 0.5, parts.flip(3), parts)
    return torch.cat([image, image.flip(3), mirrored])


def stratified_folds(labels: Sequence[int], count: int, seed: int) -> Tensor:
    """Deal the examples of each class out to `count` folds, in a random order; (N,) fold numbers."""
    generator = torch.Generator().manual_seed(seed)
    values, folds, dealt = torch.tensor(labels), torch.zeros(len(labels), dtype=torch.long), 0
    for label in values.unique():
        members = (values == label).nonzero()[:, 0]
        order = members[torch.randperm(len(members), generator=generator)]
        folds[order] = (dealt + torch.arange(len(order))) % count
        dealt += len(order)
    return folds


def _logistic_regression(
    features: Tensor, labels: Tensor, classes: int, penalty: float
) -> tuple[Tensor, Tensor]:
    """Minimise mean log-loss + penalty / 2 * |weight|^2; (classes, features) and (classes,)."""
    weight = torch.zeros(classes, features.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = (
            F.cross_entropy(F.linear(features, weight, bias), labels) + penalty / 2 * weight.square().sum()
        )
        value.backward()
        return value

    optimizer.step(loss)
    return weight.detach(), bias.detach()
