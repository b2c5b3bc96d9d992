"""What does each choice bring? FIDO with one thing changed at a time, on the same photos.

    python benchmarks/ablation.py --images 12
    python benchmarks/ablation.py --images 4 --variants "another seed,16 samples"

How to read the table stands in `benchmarks/README.md`.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from quality import REGION_HEADINGS, Table, load_network, read, regions, spread
from real_data import parser_with_data, photos
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, attribution, learning, metrics, optimization
from captum_scd.cli.options import names_of, whole_number
from captum_scd.passes import counted
from captum_scd.store.identity import versions
from captum_scd.trials import Trials

BASE = "defaults"
HEADINGS = {
    "difference": "difference ↑",
    **REGION_HEADINGS,
    "tv": "TV ↓",
    "correlation": "correlation with the defaults",
    "passes": "passes",
}

Values = dict[str, float]


@dataclass(frozen=True)
class Variant:
    """What differs from the library's defaults.

    Attributes:
        strategies: of the constructor.
        settings: of `attribute`.
        inside: names in modules, and what stands for them while it runs.
    """

    strategies: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    inside: Sequence[tuple[ModuleType, str, Any]] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Replace what is inside for as long as the block lasts."""
        with ExitStack() as stack:
            for module, name, value in self.inside:
                stack.enter_context(patch.object(module, name, value))
            yield


def uncalibrated(trials: Trials, logits: Tensor, area_weight: float) -> Tensor:
    """Cut both masks at their mean logit, whatever the network says."""
    return torch.sigmoid(logits)


VARIANTS: Mapping[str, Variant] = {
    BASE: Variant(),
    "another seed": Variant(settings={"seed": 1}),
    "15 iterations": Variant(settings={"n_iterations": 15}),
    "30 iterations": Variant(settings={"n_iterations": 30}),
    "120 iterations": Variant(settings={"n_iterations": 120}),
    "2 samples at 30 iterations": Variant(settings={"n_samples": 2, "n_iterations": 30}),
    "2 samples": Variant(settings={"n_samples": 2}),
    "16 samples": Variant(settings={"n_samples": 16}),
    "original sampler": Variant({"sampler": "original"}),
    "temperature 0.2": Variant(settings={"temperature": 0.2}),
    "temperature 1.5": Variant(settings={"temperature": 1.5}),
    "score prob": Variant({"score": "prob"}),
    "score logit": Variant({"score": "logit"}),
    "14 cells": Variant(settings={"mask_size": 14}),
    "56 cells": Variant(settings={"mask_size": 56}),
    "no survey": Variant(inside=[(attribution, "SURVEY_SHARE", 0.0)]),
    "survey alone": Variant(inside=[(attribution, "SURVEY_SHARE", 1.0)]),
    "gradients not blurred": Variant(
        inside=[(learning, "SURVEY_WIDTH", 0.01), (learning, "REFINED_WIDTH", 0.01)]
    ),
    "always blurred little": Variant(inside=[(learning, "FINISHES", learning.FINISHES[:1])]),
    "half the survey, always": Variant(inside=[(learning, "FINISHES", learning.FINISHES[-1:])]),
    "SDR does not lean on SSR": Variant(inside=[(learning, "LEAN", 0.0)]),
    "narrow areas": Variant(inside=[(learning, "AREAS", ((0.1, 0.3), (0.05, 0.15)))]),
    "no momentum": Variant(inside=[(optimization, "MOMENTUM", 0.0)]),
    "not calibrated": Variant(inside=[(attribution, "calibrate", uncalibrated)]),
}


@dataclass
class Results:
    """Values by variant and photo, kept in a file; beside it, the masks at the defaults.

    Attributes:
        path: of the JSON file; what an earlier run with the same settings has left there is kept.
        settings: what the values depend on.
        values: by variant and photo.
    """

    path: Path
    settings: dict[str, Any]
    values: dict[str, dict[str, Values]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_file():
            earlier = json.loads(self.path.read_text())
            self.values = earlier["values"] if earlier["settings"] == self.settings else {}

    def has(self, variant: str, photo: str) -> bool:
        return photo in self.values.get(variant, {})

    def add(self, variant: str, photo: str, values: Values) -> None:
        self.values.setdefault(variant, {})[photo] = values
        self.path.write_text(json.dumps({"settings": self.settings, "values": self.values}, indent=1) + "\n")

    def masks(self, photo: str) -> Path:
        """Where the masks of a photo at the defaults are."""
        return self.path.with_name(f"{self.path.stem}-{photo}.npz")

    def markdown(self, variants: Sequence[str], photos: Sequence[str]) -> str:
        table = Table()
        for variant in variants:
            for photo in photos:
                row = self.values[variant][photo]
                table.add(variant, {name: torch.tensor([value]) for name, value in row.items()})
        return table.markdown(HEADINGS)


def measure(model: nn.Module, variant: Variant, inputs: Tensor) -> tuple[Values, FIDOMasks]:
    """Explain the predicted class of a photo (1, 3, H, W), and measure the masks."""
    with torch.no_grad():
        target = model(inputs).argmax(1)
    method = FIDOAttribution(model, **variant.strategies)
    with variant.applied(), counted(model) as passes:
        joint, masks = method.attribute(inputs, target=target, return_masks=True, **variant.settings)
    curves = metrics.insertion_deletion(model, inputs, joint, masks.infill, target)
    columns = {
        "difference": curves.difference,
        **regions(model, masks, inputs, target),
        "tv": metrics.total_variation(masks.joint),
        "passes": torch.tensor([passes.total]),
    }
    return {name: float(values.item()) for name, values in columns.items()}, masks


def run(model: nn.Module, paths: Sequence[Path], options: argparse.Namespace) -> Results:
    """Measure what is not measured yet, photo by photo, the defaults first, which all are compared with."""
    results = Results(options.json, {"size": options.size, "versions": versions()})
    for done, path in enumerate(paths):
        inputs = read(path, options.size).contiguous(memory_format=torch.channels_last)
        for name in options.variants:
            if results.has(name, path.stem):
                continue
            values, masks = measure(model, VARIANTS[name], inputs)
            if name == BASE:
                masks.save(results.masks(path.stem))
            alike = correlation(FIDOMasks.load(results.masks(path.stem)).joint, masks.joint)
            results.add(name, path.stem, {**values, "correlation": alike})
            print(f"photo {done + 1} of {len(paths)}: {name}", file=sys.stderr)
    return results


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson correlation of two maps."""
    return float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument(
        "--images", type=whole_number(1), default=12, help="photos, evenly spread (%(default)s)"
    )
    parser.add_argument(
        "--variants", type=names_of("variant", VARIANTS), default=tuple(VARIANTS), help=",".join(VARIANTS)
    )
    parser.add_argument("--size", type=whole_number(1), default=227, help="in pixels (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/ablation/values.json"), help="%(default)s")
    options = parser.parse_args(arguments)
    options.variants = list(dict.fromkeys([BASE, *options.variants]))
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    paths = spread(photos(options.data), options.images)
    if not paths:
        return 2
    results = run(load_network(options.data), paths, options)
    print(results.markdown(options.variants, [path.stem for path in paths]))
    print(f"\nmeans over {len(paths)} photos; photo by photo in {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
