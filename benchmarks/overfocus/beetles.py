"""Look-alike beetles photographed with a label card whose colour tells the species, in training only.

The frozen stem is the early part of the demo's network, the tail its last two blocks and classifier, with
fresh weights. What tells the species in the test images, and where the card would be, is known.
"""

import copy

import torch
from torch import Tensor, nn

from captum_scd.demo import BeetleNet, generate, load, look_alike, normalize, with_card
from captum_scd.demo.beetle import SPECIES
from overfocus.task import Pictures, Task, through

STEM = 5
"""Blocks of the demo's network that stay frozen."""

TEST_SEED = 1_000_000
BALANCED_SEED = 2_000_000
"""Of the images the last layer is retrained on, plus that of the training."""


class Tail(nn.Module):
    """The last two blocks, a mean over the map, a linear classifier: (N, 64, 16, 16) -> (N, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Identity()
        self.blocks = BeetleNet().features[STEM:]
        self.classifier = nn.Linear(96, len(SPECIES))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.classifier(self.blocks(self.start(x)).mean((2, 3)))
        return logits


def make(seed: int, n_train: int, n_test: int, layer: str) -> Task:
    """Draw new beetles for training; the test is the same for every seed.

    Args:
        seed: of the training images and the weights.
        n_train: training images of each species.
        n_test: test images of each species.
        layer: `"start"`, the stem's output, or `"blocks"`, the last feature map.
    """
    train = generate(n_train * len(SPECIES), seed=seed)
    test = generate(n_test * len(SPECIES), seed=TEST_SEED)
    stem = load().features[:STEM].eval().requires_grad_(False)
    fresh = _seeded(seed)
    right, cards = with_card(test.images, test.labels)
    misled, _ = with_card(test.images, _others(test.labels))
    labelled = normalize(with_card(train.images, train.labels)[0])
    return Task(
        stem=stem,
        tail=lambda: copy.deepcopy(fresh),
        layer=layer,
        last="blocks",
        images=labelled[None],
        variants=through(stem, labelled)[None],
        labels=train.labels,
        test=Pictures(normalize(test.images), test.labels),
        balanced=balanced(max(n_train // 3, 1), BALANCED_SEED + seed),
        probes={
            "right": Pictures(normalize(right), test.labels),
            "misled": Pictures(normalize(misled), test.labels),
        },
        regions={"misled": cards[:1]},
    )


def balanced(count: int, seed: int) -> Pictures:
    """Draw `count` new beetles of each species and group: its own card, the look-alike's, none."""
    drawn = generate(3 * count * len(SPECIES), seed=seed)
    right, wrong, bare = drawn.images.chunk(3)
    own, others, _ = drawn.labels.chunk(3)
    images = torch.cat([with_card(right, own)[0], with_card(wrong, _others(others))[0], bare])
    return Pictures(normalize(images), drawn.labels)


def _others(labels: Tensor) -> Tensor:
    return torch.tensor([look_alike(label) for label in labels.tolist()])


def _seeded(seed: int) -> Tail:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Tail()
