"""What does each choice bring? FIDO with one thing changed at a time, on the same photos.

    python benchmarks/ablation.py
    python benchmarks/ablation.py --images 8 --variants "another seed,16 samples"

How to read the table stands in `benchmarks/README.md`.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from common.data import batches, parser_with_data, photos, spread
from common.kept import earlier, keep
from common.networks import SIZES, load_network
from common.regions import REGION_HEADINGS, regions
from common.tables import Table
from overfocus.summary import differences
from torch import Generator, Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, calibration, explanation, learning, metrics, optimization
from captum_scd.attribution import FAST
from captum_scd.calibration import Order
from captum_scd.cli.option_types import names_of, whole_number
from captum_scd.comparison.measures import STEPS
from captum_scd.filling import DEFAULT_INFILLS
from captum_scd.infill import INFILLS
from captum_scd.passes import counted
from captum_scd.trials import Trials

BASE = "defaults"
HEADINGS = {
    "difference": "difference ↑",
    **{f"difference_{name}": f"difference, {name} ↑" for name in ("mean", "shuffle", "ROAD")},
    **REGION_HEADINGS,
    "tv": "TV ↓",
    "correlation": "correlation with the defaults",
    "passes": "pass equivalents",
}
COMPARED = {name: heading for name, heading in HEADINGS.items() if "↑" in heading or name in REGION_HEADINGS}

ROWS = 8
"""Rows in one pass: few fit the processor's cache better."""

Values = dict[str, list[float]]
"""By column, one value per photo."""


@dataclass(frozen=True)
class Variant:
    """What differs from the library's defaults.

    Attributes:
        strategies: of the constructor.
        settings: of `attribute`.
        seed: what is added to the seed of the batch.
        inside: names in modules, and what stands for them while it runs.
    """

    strategies: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    inside: Sequence[tuple[ModuleType, str, Any]] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Replace what is inside for as long as the block lasts."""
        with ExitStack() as stack:
            for module, name, value in self.inside:
                stack.enter_context(patch.object(module, name, value))
            yield


def uncalibrated(trials: Trials, order: Order, area_weight: float) -> Tensor:
    """Cut both masks at their mean logit, whatever the network says."""
    return torch.sigmoid(order.region)


def random_areas(count: int, start: int, offset: float) -> Tensor:
    """Draw areas independently of each other, for all steps from the offset."""
    drawn = torch.rand(start + count, generator=Generator().manual_seed(int(offset * 2**31)))
    return drawn[start:]


VARIANTS: Mapping[str, Variant] = {
    BASE: Variant(),
    "another seed": Variant(seed=1000),
    "fast": Variant(settings=FAST),
    "half the iterations": Variant(settings={"n_iterations": 18}),
    "twice the iterations": Variant(settings={"n_iterations": 72}),
    "2 samples at half the iterations": Variant(settings={"n_samples": 2, "n_iterations": 18}),
    "one start": Variant(settings={"n_restarts": 1, "n_iterations": 72}),
    "four starts": Variant(settings={"n_restarts": 4, "n_iterations": 18}),
    "learning rate 0": Variant(settings={"learning_rate": 0.0}),
    "learning rate 0.5": Variant(settings={"learning_rate": 0.5}),
    "learning rate 2": Variant(settings={"learning_rate": 2.0}),
    "area weight 0.4": Variant(settings={"area_weight": 0.4}),
    "area weight 1.2": Variant(settings={"area_weight": 1.2}),
    "tv weight 2": Variant(settings={"tv_weight": 2.0}),
    "temperature 0.3": Variant(settings={"temperature": 0.3}),
    "temperature 1.2": Variant(settings={"temperature": 1.2}),
    "blur alone": Variant({"infill": "blur"}),
    "shuffle as a third infill": Variant({"infill": (*DEFAULT_INFILLS, "shuffle")}),
    "original sampler": Variant({"sampler": "original"}),
    "score prob": Variant({"score": "prob"}),
    "score logit": Variant({"score": "logit"}),
    "28 cells": Variant(settings={"mask_size": 28}),
    "112 cells": Variant(settings={"mask_size": 112}),
    "one round": Variant(inside=[(explanation, "ROUNDS", 1)]),
    "two rounds": Variant(inside=[(explanation, "ROUNDS", 2)]),
    "twelve rounds": Variant(inside=[(explanation, "ROUNDS", 12)]),
    "half of it a survey": Variant(inside=[(explanation, "SURVEY", 0.5)]),
    "eight levels": Variant(inside=[(optimization, "LEVELS", 8)]),
    "one scale": Variant(inside=[(learning, "BLENDS", {"fine": ((0.6, 1.0),)})]),
    "one blend": Variant(inside=[(learning, "BLENDS", {"fine": learning.BLENDS["fine"]})]),
    "coarse scales weigh more": Variant(inside=[(learning, "BLENDS", {"fine": learning.BLENDS["even"]})]),
    "SDR does not lean on SSR": Variant(inside=[(learning, "LEAN", 0.0)]),
    "random areas": Variant(inside=[(learning, "golden_sequence", random_areas)]),
    "no slope floor": Variant(inside=[(learning, "SLOPE_FLOOR", 0.0)]),
    "always rounds": Variant(inside=[(explanation, "CLEAR", 0.0)]),
    "no details": Variant(inside=[(calibration, "DETAIL", 0.0)]),
    "not calibrated": Variant(inside=[(explanation, "calibrate", uncalibrated)]),
}


@dataclass
class Results:
    """Values by variant and batch, one file per variant, so that processes may share the variants among them.

    Attributes:
        folder: what an earlier run with the same settings has left there is kept.
        settings: what the values depend on.
    """

    folder: Path
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def values(self, variant: str) -> list[Values]:
        """Columns of each batch that is done, in order."""
        done: list[Values] = earlier(self._file(variant), self.settings).get("values", [])
        return done

    def add(self, variant: str, values: Values) -> None:
        keep(self._file(variant), self.settings, values=[*self.values(variant), values])

    def masks(self, batch: int) -> Path:
        """Where the masks of a batch at the defaults are."""
        return self.folder / f"{BASE}-{batch}.npz"

    def tables(self, variants: Sequence[str]) -> str:
        """Means over the photos, and batch by batch what the defaults have more."""
        table, by_batch = Table(), {}
        for variant in variants:
            done = self.values(variant)
            for values in done:
                table.add(variant, {name: torch.tensor(column) for name, column in values.items()})
            by_batch[variant] = {name: [fmean(values[name]) for values in done] for name in COMPARED}
        return f"{table.markdown(HEADINGS)}\n\n{differences(by_batch, COMPARED, BASE)}"

    def _file(self, variant: str) -> Path:
        return self.folder / f"{variant.replace(' ', '-')}.json"


def measure(model: nn.Module, variant: Variant, inputs: Tensor, seed: int) -> tuple[Values, FIDOMasks]:
    """Explain the predicted class of each photo (N, 3, H, W), and measure the masks."""
    with torch.no_grad():
        target = model(inputs).argmax(1)
    method = FIDOAttribution(model, **variant.strategies)
    with variant.applied(), counted(model) as passes:
        _, masks = method.attribute(
            inputs,
            target=target,
            seed=seed + variant.seed,
            internal_batch_size=ROWS,
            return_masks=True,
            **variant.settings,
        )
    curves = metrics.insertion_deletion(model, inputs, masks.joint, masks.infill, target)
    columns = {
        "difference": curves.difference,
        **under_others(model, masks, inputs, target),
        **regions(model, masks, inputs, target),
        "tv": metrics.total_variation(masks.joint),
        "passes": torch.full((len(inputs),), (passes.total + 2 * passes.backward) / len(inputs)),
    }
    return {name: values.tolist() for name, values in columns.items()}, masks


def under_others(model: nn.Module, masks: FIDOMasks, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Difference of insertion and deletion, (N,), where other infills or an imputation stand for pixels."""
    found = {
        f"difference_{name}": metrics.insertion_deletion(
            model,
            inputs,
            masks.joint,
            INFILLS[name](inputs, Generator().manual_seed(0)),
            target,
            n_steps=STEPS,
        )
        for name in ("mean", "shuffle")
    }
    found["difference_ROAD"] = metrics.road(model, inputs, masks.joint, target, n_steps=STEPS)
    return {name: curves.difference for name, curves in found.items()}


def run(model: nn.Module, paths: Sequence[Path], options: argparse.Namespace) -> Results:
    """Measure what is not measured yet, variant by variant, the defaults first."""
    results = Results(options.out, asked(options))
    for variant in options.variants:
        done = len(results.values(variant))
        for number, inputs in enumerate(batches(paths, options.size, options.batch, SIZES[options.network])):
            if number < done:
                continue
            values, masks = measure(model, VARIANTS[variant], inputs, seed=number)
            if variant == BASE:
                masks.save(results.masks(number))
            alike = correlations(FIDOMasks.load(results.masks(number)).joint, masks.joint)
            results.add(variant, {**values, "correlation": alike})
            print(f"{variant}: batch {number + 1} of {-(-len(paths) // options.batch)}", file=sys.stderr)
    return results


def correlations(first: Tensor, second: Tensor) -> list[float]:
    """Pearson correlation of the maps of each photo."""
    pairs = zip(first.flatten(1), second.flatten(1), strict=True)
    return [float(torch.corrcoef(torch.stack(pair))[0, 1]) for pair in pairs]


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """What the numbers depend on."""
    names = ("network", "images", "size", "batch", "bfloat16")
    return {name: getattr(options, name) for name in names}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument(
        "--images", type=whole_number(1), default=48, help="photos, evenly spread (%(default)s)"
    )
    parser.add_argument(
        "--variants", type=names_of("variant", VARIANTS), default=tuple(VARIANTS), help=",".join(VARIANTS)
    )
    parser.add_argument("--network", choices=SIZES, default="squeezenet", help="%(default)s")
    parser.add_argument("--size", type=whole_number(1), help="in pixels, by default what the network knows")
    parser.add_argument("--batch", type=whole_number(1), default=4, help="photos of one seed (%(default)s)")
    parser.add_argument("--bfloat16", action="store_true", help="run the network in half precision")
    parser.add_argument("--out", type=Path, default=Path("out/ablation"), help="folder (%(default)s)")
    options = parser.parse_args(arguments)
    options.size = options.size or SIZES[options.network]
    options.variants = list(dict.fromkeys([BASE, *options.variants]))
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    paths = spread(photos(options.data), options.images)
    if not paths:
        return 2
    results = run(load_network(options.data, options.bfloat16, options.network), paths, options)
    print(results.tables(options.variants))
    print(f"\nmeans over {len(paths)} photos; batch by batch in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
