"""How good are the maps? All methods of `compare`: same network, same photos, same run.

`python benchmarks/quality.py --help`; how to read the tables stands in `benchmarks/README.md`.
"""

import argparse
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from kept import earlier, keep
from made import Made, as_method, folder_beside, kept
from numpy.typing import NDArray
from PIL import Image
from real_data import parser_with_data, photos
from second_look.paired import bootstrap_interval
from smoothness import as_smooth
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, compare, metrics
from captum_scd.cli.arguments import IMAGENET_MEAN, IMAGENET_STD
from captum_scd.cli.options import names_of, whole_number
from captum_scd.comparison import DEFAULT_MEASURES, DEFAULT_METHODS, MEASURES, METHODS
from captum_scd.comparison.costs import Cost
from captum_scd.comparison.maps import stretched
from captum_scd.photos import Normalization
from captum_scd.photos import read as read_photo
from captum_scd.tables import markdown

CUT = 0.5
SIZES = {"squeezenet": 227, "efficientnet_lite0": 224}
"""Networks beside the photos, and the size of the images they were trained on."""

HEADINGS = {name: measure.heading for name, measure in MEASURES.items()} | {
    "forward": "forwards",
    "backward": "with backward",
}
REGION_HEADINGS = {
    "ssr_kept": "SSR keeps ↑",
    "ssr_area": "SSR area ↓",
    "sdr_left": "SDR leaves ↓",
    "sdr_area": "SDR area ↓",
    "ssr_order": "keeps 90 % in the order of SSR ↓",
    "sdr_order": "leaves 5 % in the order of SDR ↓",
}

ROWS = 8
"""Rows in one pass: few fit the processor's cache better."""

AT_FIDOS_COST: Mapping[str, Mapping[str, Any]] = {
    "integrated_gradients": {"n_steps": 192},
    "smoothgrad": {"nt_samples": 192},
}
"""Options with which a method costs about as much as FIDO, 578 pass equivalents, and is at its best."""

SMOOTHED = ", as smooth"
"""Behind the label of a method whose maps were blurred until they are as smooth as FIDO's."""

Values = Mapping[str, Tensor]


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


def regions(model: nn.Module, masks: FIDOMasks, inputs: Tensor, target: Tensor) -> Values:
    """What each of FIDO's two masks does for its own question, cut into a region and as an order."""
    ssr, sdr = masks.threshold(CUT, "ssr"), masks.threshold(CUT, "sdr")
    whole, kept, left = (
        metrics.probability_under(model, inputs, seen, masks.infill, target)
        for seen in (torch.ones_like(ssr), ssr, ~sdr)
    )
    return {
        "ssr_kept": (kept / whole).clamp(max=1),
        "ssr_area": metrics.area(ssr),
        "sdr_left": (left / whole).clamp(max=1),
        "sdr_area": metrics.area(sdr),
        "ssr_order": metrics.sufficient_area(model, inputs, masks.ssr, masks.infill, target),
        "sdr_order": metrics.destroying_area(model, inputs, masks.sdr, masks.infill, target),
    }


@dataclass
class Table:
    """Values of each photo by method and column."""

    values: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def add(self, method: str, columns: Values) -> None:
        for name, values in columns.items():
            self.values[method][name] += values.tolist()

    def means(self) -> dict[str, dict[str, float]]:
        return {
            method: {name: float(np.nanmean(values)) for name, values in columns.items()}
            for method, columns in self.values.items()
        }

    def markdown(self, headings: Mapping[str, str]) -> str:
        """Means over photos, for the methods and columns that were measured."""
        means = {method: row for method, row in self.means().items() if headings.keys() & row.keys()}
        columns = [name for name in headings if any(name in row for row in means.values())]
        lines = [[method, *(_cell(name, row[name]) for name in columns)] for method, row in means.items()]
        return markdown(["method", *(headings[name] for name in columns)], lines)


def passes(cost: Cost, images: int) -> Values:
    """Network passes per image, as columns of as many images."""
    counts = {"forward": cost.forward, "backward": cost.backward}
    return {name: torch.full((images,), float(count)) for name, count in counts.items()}


def _cell(name: str, value: float) -> str:
    return f"{value:.0f}" if name in ("forward", "backward", "passes") else f"{value:.3f}"


class Bfloat16(nn.Module):
    """A network in half precision: what goes in and comes out is float32."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        with torch.autocast(inputs.device.type, torch.bfloat16):
            output: Tensor = self.model(inputs)
        return output.float()


def load_network(data: Path, bfloat16: bool = False, network: str = "squeezenet") -> nn.Module:
    """Load a network beside the photos, frozen, in channels-last layout."""
    model: nn.Module = load_module(data, network).load()
    model = model.requires_grad_(False).to(memory_format=torch.channels_last)
    return Bfloat16(model).eval() if bfloat16 else model


def load_module(data: Path, name: str) -> Any:
    """Import a Python file that lies beside the photos."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", data / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True  # nothing is written beside the data
    spec.loader.exec_module(module)
    return module


def read(path: Path, size: int, middle: int = 227) -> Tensor:
    """Read the middle of a photo as normalised RGB (1, 3, size, size), as the network was trained.

    So many px are cut out of 256, at other sizes in the same proportion; at that size nothing is resampled.
    """
    photo = read_photo(path)
    width, height = photo.size
    side = min(width, height) * middle / 256
    left, top = round((width - side) / 2), round((height - side) / 2)
    box = (left, top, left + round(side), top + round(side))
    image = photo.resize((size, size), Image.Resampling.BILINEAR, box=box)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    return Normalization(IMAGENET_MEAN, IMAGENET_STD)(pixels)


def batches(paths: Sequence[Path], size: int, count: int, middle: int = 227) -> Iterator[Tensor]:
    """Read `count` photos at a time, (count, 3, size, size)."""
    for start in range(0, len(paths), count):
        inputs = torch.cat([read(path, size, middle) for path in paths[start : start + count]])
        yield inputs.contiguous(memory_format=torch.channels_last)


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """Choose `count` photos, evenly from the sorted list."""
    count = min(count, len(paths))
    return [paths[i * len(paths) // count] for i in range(count)]


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


def beside_fido(table: Table) -> str:
    """FIDO less each other method, photo by photo, wherever a difference was measured: mean, 95 %, wins."""
    fido = table.values[METHODS["fido"].label]
    columns = [name for name in fido if name.startswith("difference")]
    lines = [
        [method, *(_paired(np.array(fido[name]), np.array(values[name])) for name in columns)]
        for method, values in table.values.items()
        if values is not fido
    ]
    return markdown(["FIDO less", *(HEADINGS[name] for name in columns)], lines)


def _paired(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> str:
    low, high = bootstrap_interval(ours - theirs, range(len(ours)))
    wins = f"better on {(ours > theirs).sum()} of {len(ours)}"
    return f"{(ours - theirs).mean():+.3f} [{low:+.3f}, {high:+.3f}], {wins}"


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
        made = kept(folder, names, lambda inputs=inputs: explain(model, inputs, options))  # type: ignore[misc]
        add(measured, model, inputs, made, options)
        done += names
        todo = todo[len(inputs) :]
        keep(options.json, asked(options), photos=done, **report(measured))
        print(f"{len(done)}/{len(paths)} photos", file=sys.stderr)
    return measured


def shuffled(paths: Sequence[Path]) -> list[Path]:
    """Put photos into an order of chance, the same each time."""
    return [paths[i] for i in np.random.default_rng(0).permutation(len(paths))]


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
