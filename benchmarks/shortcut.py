"""Does `captum-scd errors` find a shortcut that was planted, and nothing where there is none?

    python benchmarks/shortcut.py --out out/shortcut             # a label card in all photos of one species
    python benchmarks/shortcut.py --out out/control --control    # the same without cards

Draws beetles, trains the last part of a network on them, writes the test photos, boxes around the beetles and
a store of masks, and runs the command over it, without and with the boxes. The card is in the test photos,
too: the network is right about them, and no accuracy gives it away. Exit code 0: it was found (or, without
cards, nothing was), 1: not so.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from overfocus.beetles import STEM, TEST_SEED, Tail
from PIL import Image
from torch import Tensor, nn

from captum_scd import FIDOMasks
from captum_scd.cli import main as command
from captum_scd.dataset import Sample, explain_dataset
from captum_scd.demo import MEAN, SPECIES, STD, DemoImages, generate, load, normalize, with_card

SPECIES_WITH_CARD = 2
SIZE = 64
LEARNING = {"n_iterations": 10, "n_samples": 2, "seed": 0}
"""A third of the usual steps; enough for small pictures."""


def with_cards(images: Tensor, labels: Tensor) -> Tensor:
    """Put a card into the corner of all pictures of one species, (N, 3, H, W)."""
    chosen = (labels == SPECIES_WITH_CARD).view(-1, 1, 1, 1)
    return torch.where(chosen, with_card(images, labels)[0], images)


def train(images: Tensor, labels: Tensor, epochs: int = 12, seed: int = 0) -> nn.Module:
    """Train the last part of the demo's network anew; the early part stays as it is."""
    stem = load().features[:STEM].eval().requires_grad_(False)
    features = torch.cat([stem(normalize(some)) for some in images.split(32)])
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tail = Tail().train()
    optimizer = torch.optim.AdamW(tail.parameters(), 3e-3)
    steps = epochs * -(-len(labels) // 16)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(labels), generator=generator).split(16):
            optimizer.zero_grad()
            F.cross_entropy(tail(features[rows]), labels[rows]).backward()
            optimizer.step()
            schedule.step()
    return nn.Sequential(stem, tail).eval().requires_grad_(False)


def write_photos(folder: Path, images: Tensor, beetles: DemoImages) -> list[str]:
    """Write photos in a folder for each species, and boxes around the beetles; return the names."""
    boxes = FIDOMasks(beetles.bodies.float(), beetles.bodies.float(), (SIZE, SIZE)).bounding_box()
    names = [f"{SPECIES[label]}/{place:03}.png" for place, label in enumerate(beetles.labels.tolist())]
    for name, image in zip(names, images, strict=True):
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = (image * 255).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(np.ascontiguousarray(pixels)).save(path)
    with (folder / "boxes.csv").open("w", encoding="utf-8", newline="") as file:
        lines = [[name, *box] for name, box in zip(names, boxes.tolist(), strict=True)]
        csv.writer(file).writerows([["key", "x0", "y0", "x1", "y1"], *lines])
    return names


def make_store(folder: Path, model: nn.Module, names: Sequence[str], images: Tensor, labels: Tensor) -> Path:
    """Explain what the network says of all photos."""
    samples = [
        Sample(name, image, label=label, source=str(folder / "photos" / name))
        for name, image, label in zip(names, normalize(images), labels.tolist(), strict=True)
    ]
    preparation = {"size": SIZE, "resize": SIZE, "mean": list(MEAN), "std": list(STD)}
    store = folder / "masks.zarr"
    explain_dataset(model, samples, store, classes=SPECIES, preparation=preparation, **LEARNING)
    return store


def named(store: Path, out: Path, *options: str) -> set[str]:
    """Run the command, and return the classes of which it names a group."""
    if command(["errors", str(store), "--out", str(out), "--photos", str(store.parent), *options]):
        raise SystemExit(f"captum-scd errors failed on {store}")
    groups = json.loads((out / "errors.json").read_text(encoding="utf-8"))["groups"]
    return {group["class"]["name"] for group in groups if group["evidence"]}


def experiment(folder: Path, cards: bool, n_train: int, n_test: int) -> list[set[str]]:
    """Plant, train, explain and look; return the classes named without and with boxes."""
    beetles = generate(n_train * len(SPECIES), size=SIZE, seed=1)
    test = generate(n_test * len(SPECIES), size=SIZE, seed=TEST_SEED)
    seen, shown = (with_cards(one.images, one.labels) if cards else one.images for one in (beetles, test))
    model = train(seen, beetles.labels)
    right = model(normalize(shown)).argmax(1) == test.labels
    own = right[test.labels == SPECIES_WITH_CARD].float().mean()
    print(f"accuracy {right.float().mean():.2f}, of {SPECIES[SPECIES_WITH_CARD]} {own:.2f}")
    names = write_photos(folder, shown, test)
    store = make_store(folder, model, names, shown, test.labels)
    return [
        named(store, folder / "without-boxes"),
        named(store, folder / "with-boxes", "--boxes", str(folder / "boxes.csv")),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for photos, store and pages")
    parser.add_argument("--control", action="store_true", help="without cards")
    parser.add_argument("--train", type=int, default=24, help="training photos of each species (%(default)s)")
    parser.add_argument("--test", type=int, default=16, help="test photos of each species (%(default)s)")
    options = parser.parse_args(arguments)
    found = experiment(options.out, not options.control, options.train, options.test)
    wanted = set() if options.control else {SPECIES[SPECIES_WITH_CARD]}
    for words, classes in zip(("without boxes", "with boxes"), found, strict=True):
        print(f"{words}: named {', '.join(sorted(classes)) or 'nothing'}")
    return 0 if all(classes == wanted for classes in found) else 1


if __name__ == "__main__":
    sys.exit(main())
