"""How good are the maps? All methods of `compare`: same network, same photos, same run.

`python benchmarks/quality.py --help`; how to read the tables stands in `benchmarks/README.md`.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from common.data import batches, parser_with_data, photos, shuffled, spread
from common.kept import earlier, keep
from common.made import Made, as_method, folder_beside, kept
from common.networks import SIZES, load_network
from common.regions import CUT, REGION_HEADINGS, ROWS, regions
from common.smoothness import as_smooth
from common.tables import HEADINGS, Table, beside_fido, passes
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, compare, metrics
from captum_scd.cli.option_types import names_of, whole_number
from captum_scd.comparison import DEFAULT_MEASURES, DEFAULT_METHODS, MEASURES, METHODS
from captum_scd.comparison.maps import stretched

AT_FIDOS_COST: Mapping[str, Mapping[str, Any]] = {
    "integrated_gradients": {"n_steps": 192},
    "smoothgrad": {"nt_samples": 192},
}
"""Options with which a method costs about as much as FIDO, 578 pass equivalents, and is at its best."""

SMOOTHED = ", as smooth"
"""Behind the label of a method whose maps were blurred until they are as smooth as FIDO's."""


@dataclass
class Fido:
    """FIDO at the library's defaults, as a method of `compare` that keeps the masks of its last call."""

    model: nn.Module
    masks: FIDOMasks | None = None

    def __call__(self, inputs: Tensor, target: Tensor, baselines: Tensor, seed: int) -> Tensor:
        method = FIDOAttribution(self.model)
        options: dict[str, Any] = {"seed": seed, "return_masks": True, "internal_batch_size": ROWS}
        _, self.masks = method.attribute(inputs, baselines, target, **options)
        return self.masks.joint


@dataclass
class Measured:
    """All methods on all that `compare` measures, and FIDO's regions."""

    methods: Table = field(default_factory=Table)
    regions: Table = field(default_factory=Table)

    def markdown(self) -> str:
        tables = [self.methods.markdown(HEADINGS)]
        if self.regions.values:
            tables += [self.regions.markdown(REGION_HEADINGS), beside_fido(self.methods)]
        return "\n\n".join(tables)


def run(model: nn.Module, paths: Sequence[Path], options: argparse.Namespace) -> Measured:
    """Measure all methods on all photos, batch by batch, in an order of chance: any part is a fair sample.

    What is done is kept in the file `--json`, and found there when the same command is run again; the maps
    lie beside it, and other metrics are measured on the same.
    """
    measured, done = resumed(options)
    folder = folder_beside(options.json, asked(options, "metrics", "smooth"))
    todo = [path for path in shuffled(paths) if path.stem not in done]
    print(f"{len(done)} of {len(paths)} photos were done before", file=sys.stderr)
    for inputs in batches(todo, options.size, options.batch, SIZES[options.network]):
        names = [path.stem for path in todo[: len(inputs)]]
        made = kept(folder, names, partial(explain, model, inputs, options))
        add(measured, model, inputs, made, options)
        done += names
        todo = todo[len(inputs) :]
        keep(options.json, asked(options), photos=done, **report(measured))
        print(f"{len(done)}/{len(paths)} photos", file=sys.stderr)
    return measured


def explain(model: nn.Module, inputs: Tensor, options: argparse.Namespace) -> Made:
    """Make the maps of all methods."""
    fido = Fido(model)
    ways = {name: (name, AT_FIDOS_COST[name]) if name in AT_FIDOS_COST else name for name in options.methods}
    chosen = {METHODS[name].label: fido if name == "fido" else way for name, way in ways.items()}
    comparison = compare(
        model, inputs, methods=chosen, metrics="total_variation", seed=options.seed, internal_batch_size=ROWS
    )
    return Made.by(comparison, fido.masks)


def add(
    measured: Measured, model: nn.Module, inputs: Tensor, made: Made, options: argparse.Namespace
) -> None:
    """Measure maps that were made, each once."""
    maps = {**made.maps, **(smoothed(made.maps) if options.smooth else {})}
    methods = {label: as_method(values) for label, values in maps.items() if not _is_own(label, maps)}
    comparison = compare(model, inputs, methods=methods, metrics=options.metrics, seed=options.seed)
    for label in maps:
        own = label.removesuffix(SMOOTHED)
        row = comparison.rows[own if _is_own(label, maps) else label]
        measured.methods.add(label, {**row.values, **passes(made.costs[own], len(inputs))})
    if made.masks is not None:
        measured.regions.add("FIDO", regions(model, made.masks, comparison.inputs, comparison.target))


def smoothed(maps: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Blur the maps of FIDO's rivals, where they are rougher than FIDO's, until they are as smooth."""
    fido = METHODS["fido"].label
    limits = metrics.total_variation(stretched(maps[fido]))
    return {
        f"{label}{SMOOTHED}": as_smooth(values, limits) for label, values in maps.items() if label != fido
    }


def _is_own(label: str, maps: Mapping[str, Tensor]) -> bool:
    """Tell whether a map was as smooth already, so that blurring left it as it was."""
    return label.endswith(SMOOTHED) and torch.equal(maps[label], maps[label.removesuffix(SMOOTHED)])


def resumed(options: argparse.Namespace) -> tuple[Measured, list[str]]:
    """Read what an earlier run of the same settings has done, and the names of its photos."""
    measured = Measured()
    left = earlier(options.json, asked(options))
    for kind, tables in left.get("values", {}).items():
        for method, columns in tables.items():
            getattr(measured, kind).values[method].update(columns)
    return measured, left.get("photos", [])


def report(measured: Measured) -> dict[str, Any]:
    """Means, and what is needed to compare photo by photo."""
    return {
        "means": {kind: table.means() for kind, table in vars(measured).items()},
        "values": {kind: table.values for kind, table in vars(measured).items()},
    }


def asked(options: argparse.Namespace, *without: str) -> dict[str, Any]:
    """What the numbers depend on, or the maps: without what only the metrics need."""
    names = ("network", "size", "batch", "seed", "smooth")
    lists = {name: list(getattr(options, name)) for name in ("methods", "metrics")}
    every = {**{name: getattr(options, name) for name in names}, **lists, "cut": CUT}
    return {name: value for name, value in every.items() if name not in without}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument(
        "--images", type=whole_number(1), default=48, help="photos, evenly spread (%(default)s)"
    )
    parser.add_argument("--network", choices=SIZES, default="squeezenet", help="%(default)s")
    parser.add_argument("--size", type=whole_number(1), help="in pixels, by default what the network knows")
    parser.add_argument(
        "--methods", type=names_of("method", METHODS), default=list(DEFAULT_METHODS), help=",".join(METHODS)
    )
    parser.add_argument(
        "--metrics", type=names_of("metric", MEASURES), default=DEFAULT_MEASURES, help=",".join(MEASURES)
    )
    parser.add_argument("--json", type=Path, default=Path("out/quality.json"), help="%(default)s")
    parser.add_argument("--batch", type=whole_number(1), default=4, help="photos at a time (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random (%(default)s)")
    parser.add_argument(
        "--smooth", action="store_true", help="rough maps also blurred until they are as smooth as FIDO's"
    )
    options = parser.parse_args(arguments)
    options.size = options.size or SIZES[options.network]
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    paths = spread(photos(options.data), options.images)
    if not paths:
        return 2
    print(run(load_network(options.data, network=options.network), paths, options).markdown())
    print(f"\nmeans over {len(paths)} photos; photo by photo in {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
