"""Training a tail on the features of its frozen stem."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from overfocus.rows import Row
from overfocus.task import Task


@dataclass(frozen=True)
class Recipe:
    """How every row is trained.

    Attributes:
        rate: share that is dropped.
        epochs: passes over the training images.
        learning_rate: highest of a one-cycle schedule.
        batch: images a step.
        weight_decay: of AdamW.
    """

    rate: float
    epochs: int
    learning_rate: float
    batch: int = 16
    weight_decay: float = 0.01


def fit(task: Task, row: Row, recipe: Recipe, seed: int) -> nn.Module:
    """Train a tail anew; order, variants and draws depend on the seed alone. Returns it in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tail = task.tail()
        model = row.wrap(tail, task.layer, recipe.rate).train()
        optimizer = torch.optim.AdamW(
            tail.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        steps = recipe.epochs * math.ceil(len(task.labels) / recipe.batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps)
        generator = torch.Generator().manual_seed(seed)
        for _ in range(recipe.epochs):
            _epoch(task, row, model, optimizer, schedule, recipe.batch, generator)
    model.eval()
    if row.finish:
        row.finish(tail, task)
    return tail.eval()


def _epoch(
    task: Task,
    row: Row,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    batch: int,
    generator: torch.Generator,
) -> None:
    variants, examples = task.variants.shape[:2]
    shown = torch.randint(variants, (examples,), generator=generator)
    for rows in torch.randperm(examples, generator=generator).split(batch):
        inputs, truth = _batch(task, row, shown[rows], rows)
        logits = model(inputs, target=task.labels[rows])
        optimizer.zero_grad()
        F.cross_entropy(logits, truth).backward()
        optimizer.step()
        schedule.step()


def _batch(task: Task, row: Row, shown: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """The stem's output for some training images, and their labels; of mixed images, probabilities."""
    labels = task.labels[rows]
    if row.mix is None:
        return task.variants[shown, rows].float(), labels
    classes = int(task.labels.max()) + 1
    images, truth = row.mix(task.images[shown, rows], F.one_hot(labels, classes).float())
    with torch.no_grad():
        return task.stem(images), truth
