"""What does the simplified sampler bring? Both samplers at the same temperatures, over the number of samples.

    python benchmarks/samplers.py
    python benchmarks/samplers.py --photos 1 --samples 1,2 --temperatures 0.6 --iterations 4

Prints a table and draws a figure; what is done is kept, and the same command goes on from there. How to
read them stands in `benchmarks/README.md`.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from common.data import parser_with_data, photos, read, spread
from common.kept import earlier, keep
from common.networks import SIZES, load_network
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from captum_scd import FIDOAttribution, FIDOMasks, infill, metrics
from captum_scd.cli.option_types import number, whole_number
from captum_scd.composites import blend
from captum_scd.objective import SCORES
from captum_scd.sampling import SAMPLERS, antithetic_noise
from captum_scd.tables import markdown

DRAWS = 64
"""Gradients that the variance is estimated from."""

LOGITS = tuple(range(0, 41, 2))
"""Logits at which the samplers' own gradients are looked at."""

Curves = dict[str, dict[str, list[float]]]
"""By sampler and temperature, by what was measured, over the numbers of samples (or `LOGITS`)."""


def settings(options: argparse.Namespace) -> Iterator[tuple[str, str, float]]:
    """Yield label, sampler and temperature of all that is compared."""
    for temperature in options.temperatures:
        for name in SAMPLERS:
            yield f"{name}, t = {temperature:g}", name, temperature


def dead(name: str, temperature: float) -> list[float]:
    """Share of draws whose gradient in the logit is exactly 0 or not finite, at each of `LOGITS`."""
    noise = antithetic_noise((4000,), Generator().manual_seed(0))
    shares = []
    for size in LOGITS:
        logits = torch.full_like(noise, float(size), requires_grad=True)
        (slope,) = torch.autograd.grad(SAMPLERS.resolve(name)(logits, noise, temperature).sum(), logits)
        shares.append(((slope == 0) | ~slope.isfinite()).float().mean().item())
    return shares


def gradients(model: nn.Module, inputs: Tensor, logits: Tensor, name: str, temperature: float) -> Tensor:
    """Gradients (DRAWS, cells) of the SSR loss of one photo in the logits, draw by draw, nothing smoothed."""
    noise = antithetic_noise((DRAWS, *logits.shape), Generator().manual_seed(0))
    target, fill = model(inputs).argmax(1), infill.blur(inputs)
    score, found = SCORES["log_odds"], []
    for one in noise:
        leaf = logits.clone().requires_grad_()
        sample = SAMPLERS.resolve(name)(leaf, one, temperature)[None, None]
        mask = F.interpolate(sample, inputs.shape[2:], mode="bilinear", align_corners=False)
        loss = score.keep(score(model(blend(mask, inputs, fill)), target[:, None])).sum()
        found.append(torch.autograd.grad(loss, leaf)[0].flatten())
    return torch.stack(found)


def spread_of_means(found: Tensor, samples: int) -> float:
    """Variance of the mean of so many draws (antithetic pairs stay together), over the squared mean gradient.

    >>> spread_of_means(torch.ones(32, 4), 2)
    0.0
    """
    means = found.view(len(found) // samples, samples, -1).mean(1)
    return (means.var(0).sum() / found.mean(0).square().sum()).item()


def learned(model: nn.Module, inputs: Tensor, options: argparse.Namespace, **choice: Any) -> FIDOMasks:
    """Masks of the predicted class."""
    method = FIDOAttribution(model, sampler=choice.pop("sampler"))
    target = model(inputs).argmax(1)
    masks: FIDOMasks
    _, masks = method.attribute(
        inputs, target=target, n_iterations=options.iterations, return_masks=True, **choice
    )
    return masks


def measure(model: nn.Module, inputs: Tensor, options: argparse.Namespace, seed: int) -> Curves:
    """Everything about one photo."""
    target = model(inputs).argmax(1)
    start = learned(model, inputs, options, sampler="simplified", seed=seed).ssr_cells[0, 0]
    logits = torch.logit(start, eps=1e-4)
    curves: Curves = {}
    for label, name, temperature in settings(options):
        found = gradients(model, inputs, logits, name, temperature)
        row: dict[str, list[float]] = {"variance": [], "difference": [], "tv": []}
        for samples in options.samples:
            choice = {"sampler": name, "temperature": temperature, "n_samples": samples, "seed": seed}
            masks = learned(model, inputs, options, **choice)
            curve = metrics.insertion_deletion(model, inputs, masks.joint, masks.infill, target)
            if 2 * samples <= DRAWS:
                row["variance"].append(spread_of_means(found, samples))
            row["difference"].append(curve.difference.item())
            row["tv"].append(metrics.total_variation(masks.joint).item())
        curves[label] = row
    return curves


def run(model: nn.Module, paths: Sequence[Path], options: argparse.Namespace) -> list[Curves]:
    """Measure the photos that are not measured yet, each with a seed of its own."""
    file = options.out / "samplers.json"
    measured: list[Curves] = earlier(file, asked(options)).get("photos", [])
    for seed, path in list(enumerate(paths))[len(measured) :]:
        inputs = read(path, options.size, SIZES[options.network])
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        measured.append(measure(model, inputs, options, seed))
        keep(file, asked(options), photos=measured)
        print(f"{len(measured)} of {len(paths)} photos", file=sys.stderr, flush=True)
    return measured


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """What the numbers depend on."""
    names = ("photos", "network", "size", "iterations", "bfloat16")
    lists = {name: list(getattr(options, name)) for name in ("samples", "temperatures")}
    return {**{name: getattr(options, name) for name in names}, **lists}


def mean(photos: Sequence[Curves]) -> Curves:
    """Mean over photos."""
    return {
        label: {kind: torch.tensor([photo[label][kind] for photo in photos]).mean(0).tolist() for kind in row}
        for label, row in photos[0].items()
    }


def table(curves: Curves, samples: Sequence[int]) -> str:
    lines = []
    for label, row in curves.items():
        for kind in ("variance", "difference", "tv"):
            cells = [f"{value:.3g}" for value in row[kind]] + [""] * (len(samples) - len(row[kind]))
            lines.append([label, kind, *cells])
    return markdown(["sampler", "measure", *map(str, samples)], lines, left=2)


def draw(curves: Curves, options: argparse.Namespace, path: Path) -> None:
    """Draw the four panels; a colour is a temperature, a dashed line the original sampler."""
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    panels: Mapping[str, tuple[str, Any, str]] = {
        "variance": ("variance of the gradient, over its squared mean", options.samples, "mask samples"),
        "dead": ("share of gradients that are 0 or not finite", LOGITS, "logit"),
        "difference": ("insertion minus deletion", options.samples, "mask samples"),
        "tv": ("total variation of the joint map", options.samples, "mask samples"),
    }
    for axis, (kind, (title, places, along)) in zip(axes.flat, panels.items(), strict=True):
        for label, name, temperature in settings(options):
            row = curves[label][kind]
            colour = f"C{options.temperatures.index(temperature)}"
            style, marker = ("--", "x") if name == "original" else ("-", "o")
            axis.plot(places[: len(row)], row, color=colour, linestyle=style, marker=marker, label=label)
        axis.set(title=title, xlabel=along)
        if kind != "dead":
            axis.set_xscale("log", base=2)
    axes[0, 0].set_yscale("log")
    axes[0, 1].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def several(read_one: Any) -> Any:
    """Make a reader of values with commas between them, for the `type` of an option."""
    return lambda text: tuple(read_one(part) for part in text.split(","))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument("--photos", type=whole_number(1), default=3, help="evenly spread (%(default)s)")
    parser.add_argument(
        "--samples", type=several(whole_number(1)), default=(1, 2, 4, 8, 16, 32), help="1,2,4,8,16,32"
    )
    parser.add_argument(
        "--temperatures", type=several(number(positive=True)), default=(0.1, 0.6), help="0.1,0.6"
    )
    parser.add_argument("--iterations", type=whole_number(1), default=8, help="of FIDO (%(default)s)")
    parser.add_argument("--network", choices=SIZES, default="squeezenet", help="%(default)s")
    parser.add_argument("--size", type=whole_number(1), help="in pixels, by default what the network knows")
    parser.add_argument("--bfloat16", action="store_true", help="run the network in half precision")
    parser.add_argument("--out", type=Path, default=Path("out/samplers"), help="folder (%(default)s)")
    options = parser.parse_args(arguments)
    options.size = options.size or SIZES[options.network]
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    paths = spread(photos(options.data), options.photos)
    if not paths:
        return 2
    network = load_network(options.data, options.bfloat16, options.network)
    curves = mean(run(network, paths, options))
    for label, name, temperature in settings(options):
        curves[label]["dead"] = dead(name, temperature)
    draw(curves, options, options.out / "samplers.png")
    print(f"{table(curves, options.samples)}\n\nfigure in {options.out / 'samplers.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
