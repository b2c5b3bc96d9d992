"""Make the demo's weights again from nothing: `python -m captum_scd.demo.train`."""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from captum_scd.demo.augmentation import augment, dilated, soft_targets
from captum_scd.demo.beetle import SPECIES
from captum_scd.demo.generator import DemoImages, generate
from captum_scd.demo.model import WEIGHTS, BeetleNet, normalize, peak_mean
from captum_scd.infill import INFILLS

REACH = 3
"""Pixels by which a detail is widened before it is shown alone, or hidden."""

ENOUGH, GONE = 0.95, 0.2
"""Probabilities from which on a species is still there, and up to which it is gone."""

Report = Callable[[str], None]


def train(
    n_images: int = 4800, epochs: int = 30, batch_size: int = 32, seed: int = 0, report: Report = print
) -> BeetleNet:
    """Return a network trained on freshly drawn pictures, in eval mode.

    One picture in nine shows a beetle without a mark, for which all species are equally right. The last map
    is classified twice, over the whole picture and over the detail only; without the second, which shows
    where to look, learning starts late. In the first half, parts are hidden more and more often: patches, the
    detail, or all but the detail, so that in the end it is the detail that the network goes by.

    Args:
        n_images: number of pictures with a mark.
        epochs: passes over the pictures.
        batch_size: pictures per step.
        seed: seed of pictures, weights and augmentation; torch's global generator keeps its state.
        report: called with one line of progress per epoch.
    """
    data = _training_set(n_images, seed)
    generator = torch.Generator().manual_seed(seed)
    model = _untrained(seed)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    steps = epochs * -(-len(data.labels) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps, pct_start=0.2)
    for epoch in range(epochs):
        start, losses = time.perf_counter(), []
        hide = 0.75 * min(1.0, 2 * epoch / epochs)
        for images, details, targets in data.batches(batch_size, hide, generator):
            losses.append(_step(model, optimizer, images, details, targets))
            schedule.step()
        loss = sum(losses) / len(losses)
        report(f"epoch {epoch + 1}/{epochs}: loss {loss:.3f}, {time.perf_counter() - start:.0f} s")
    return model.eval()


def save(model: BeetleNet, path: Path) -> None:
    """Write the weights in half precision, as `load` reads them."""
    torch.save({name: value.half() for name, value in model.state_dict().items()}, path)


@torch.no_grad()
def predict(model: BeetleNet, images: Tensor, batch_size: int = 64) -> Tensor:
    """Return the predicted species, int64 of shape (N,), of RGB pictures in [0, 1], shape (N, 3, H, W)."""
    return torch.cat([model(normalize(part)).argmax(1) for part in images.split(batch_size)])


def evaluate(model: BeetleNet, n: int = 400, seed: int = 1_000_000) -> dict[str, float]:
    """Return shares in [0, 1], higher is better, on n new individuals that are each drawn three times.

    `accuracy`: the species is right. Among the individuals for which it is, `follows_swap`: the answer turns
    to the look-alike once its mark stands there; `leaves_without`: without a mark the answer is another,
    which pure guessing does in all but one of eight cases, and no network can do much better. Of all
    individuals, `detail_is_enough` and `detail_is_needed`: see `truth`.
    """
    own = generate(n, seed=seed)
    swapped, bare = generate(n, seed=seed, mark="look_alike"), generate(n, seed=seed, mark="none")
    right = predict(model, own.images) == own.labels
    follows = predict(model, swapped.images)[right] == swapped.labels[right]
    leaves = predict(model, bare.images)[right] != own.labels[right]
    enough, needed = truth(model, own)
    shares = {
        "accuracy": right, "follows_swap": follows, "leaves_without": leaves,
        "detail_is_enough": enough >= ENOUGH, "detail_is_needed": needed <= GONE,
    }  # fmt: skip
    return {name: share.float().mean().item() for name, share in shares.items()}


@torch.no_grad()
def truth(model: BeetleNet, pictures: DemoImages, infill: str = "blur") -> tuple[Tensor, Tensor]:
    """Ask whether the detail is the truth for the network: the probability of each species, (N,) in [0, 1].

    Args:
        model: that is asked.
        pictures: N beetles.
        infill: what stands where nothing is shown, a name that `FIDOAttribution` knows.

    Returns:
        With the detail alone, widened by `REACH` pixels, on the infill; and with the infill on it.
    """
    inputs, shown = normalize(pictures.images), dilated(pictures.details.float(), REACH)
    filled = INFILLS[infill](inputs, torch.Generator().manual_seed(0))
    views = torch.lerp(filled, inputs, shown), torch.lerp(inputs, filled, shown)
    alone, without = (
        torch.cat([model(part).softmax(1) for part in view.split(64)]).gather(1, pictures.labels[:, None])[
            :, 0
        ]
        for view in views
    )
    return alone, without


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, measure and write the weights; see `--help`."""
    parser = argparse.ArgumentParser(prog="python -m captum_scd.demo.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(WEIGHTS), help="file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--images", type=int, default=4800, help="training pictures to draw")
    parser.add_argument("--held-out", type=int, default=400, help="new individuals to measure on")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    model = train(options.images, options.epochs, seed=options.seed, report=_say)
    save(model, options.out)
    _say(f"{options.out}: {options.out.stat().st_size} bytes, {time.perf_counter() - start:.0f} s")
    for name, share in evaluate(model, options.held_out).items():
        _say(f"held out, {name}: {share:.4f}")


@dataclass(frozen=True)
class _TrainingSet:
    images: Tensor
    labels: Tensor
    details: Tensor

    def batches(
        self, size: int, hide: float, generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for rows in torch.randperm(len(self.labels), generator=generator).split(size):
            images, details = self.images[rows].float() / 255, self.details[rows].float()
            images, details, seen = augment(images, details, hide, generator)
            yield images, details, soft_targets(self.labels[rows], seen, len(SPECIES))


def _training_set(n: int, seed: int) -> _TrainingSet:
    parts = [generate(n, seed=seed), generate(max(1, n // 8), seed=seed + 1, mark="none")]
    images = torch.cat([(part.images * 255).round().byte() for part in parts])
    labels, details = (torch.cat([getattr(part, name) for part in parts]) for name in ("labels", "details"))
    return _TrainingSet(images, labels, details)


def _untrained(seed: int) -> BeetleNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BeetleNet()


def _step(
    model: BeetleNet, optimizer: torch.optim.Optimizer, images: Tensor, details: Tensor, targets: Tensor
) -> float:
    maps = model.features(normalize(images))
    detail = F.adaptive_avg_pool2d(details, (maps.shape[2], maps.shape[3]))
    loss = F.cross_entropy(model.classifier(peak_mean(maps)), targets)
    pointed = F.cross_entropy(model.classifier(peak_mean(maps, detail)), targets)
    optimizer.zero_grad()
    torch.autograd.backward(loss + pointed)
    optimizer.step()
    return loss.item()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
