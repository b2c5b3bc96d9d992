"""How good are the masks? FIDO beside other methods: same network, same photos, same run.

`python benchmarks/quality.py --help`; how to read the table stands in `benchmarks/README.md`.
"""

import argparse
import importlib.util
import json
import os
import platform
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import captum
import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, Occlusion
from PIL import Image
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, __version__, infill, metrics

DEFAULT_DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "real"
STEPS = 40
CUT = 0.5
COLUMNS = {
    "insertion": "insertion ↑",
    "deletion": "deletion ↓",
    "difference": "difference ↑",
    "sufficient_area": "keeps 90 % ↓",
    "destroying_area": "leaves 5 % ↓",
    "tv": "TV ↓",
    "forward": "forwards",
    "backward": "with backward",
}
CUT_COLUMNS = {
    "ssr_kept": "SSR keeps ↑",
    "ssr_area": "SSR area ↓",
    "sdr_left": "SDR leaves ↓",
    "sdr_area": "SDR area ↓",
}

Values = dict[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """Photos (N, 3, H, W), normalised; what stands for missing pixels; the class the network sees."""

    inputs: Tensor
    baseline: Tensor
    target: Tensor


@dataclass(frozen=True)
class Maps:
    """What a method says of a batch, (N, 1, H, W) each: one map for every question, or FIDO's three."""

    joint: Tensor
    ssr: Tensor
    sdr: Tensor
    masks: FIDOMasks | None = None


Method = Callable[[nn.Module, Batch, int], Maps]


def fido(model: nn.Module, batch: Batch, seed: int) -> Maps:
    """FIDO at the library's defaults."""
    options: dict[str, Any] = {"seed": seed, "return_masks": True}
    _, masks = FIDOAttribution(model).attribute(batch.inputs, target=batch.target, **options)
    return Maps(masks.joint, masks.ssr, masks.sdr, masks)


def gradcam(model: nn.Module, batch: Batch, seed: int) -> Maps:
    """GradCAM of the last map before the classifier, bilinear to the image's size."""
    method = LayerGradCam(model, model.get_submodule("features")[-1])  # type: ignore[index]
    small = method.attribute(batch.inputs, batch.target, relu_attributions=True)
    size = (batch.inputs.shape[2], batch.inputs.shape[3])
    return _one(LayerAttribution.interpolate(small, size, "bilinear"))


def integrated_gradients(model: nn.Module, batch: Batch, seed: int) -> Maps:
    """Integrated gradients from the baseline in 50 steps, summed over channels.

    Pixels are ranked by the absolute value, which serves this method better than the signed one.
    """
    method = IntegratedGradients(model)
    values = method.attribute(batch.inputs, batch.baseline, batch.target, n_steps=50, internal_batch_size=32)
    return _one(values.sum(1, keepdim=True).abs())


def occlusion(model: nn.Module, batch: Batch, seed: int) -> Maps:
    """Occlusion by the baseline: window 32 px, stride 16 px."""
    values = Occlusion(model).attribute(
        batch.inputs, (3, 32, 32), (3, 16, 16), batch.baseline, batch.target, perturbations_per_eval=8
    )
    return _one(values.sum(1, keepdim=True))


def chance(model: nn.Module, batch: Batch, seed: int) -> Maps:
    """Draw a random order of the pixels."""
    return _one(torch.rand(batch.inputs[:, :1].shape, generator=torch.Generator().manual_seed(seed)))


METHODS: Mapping[str, Method] = {
    "fido": fido,
    "gradcam": gradcam,
    "ig": integrated_gradients,
    "occlusion": occlusion,
    "random": chance,
}


def _one(values: Tensor) -> Maps:
    return Maps(*(values.detach(),) * 3)


@dataclass
class Passes:
    """Images that went through the network: forward only, and those with a graph for a backward pass."""

    forward: int = 0
    backward: int = 0

    def count(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Count one call, as a forward hook."""
        if output.requires_grad:
            self.backward += len(output)
        else:
            self.forward += len(output)


@contextmanager
def counted(model: nn.Module) -> Iterator[Passes]:
    """Count what goes through a model whose parameters are frozen."""
    passes = Passes()
    handle = model.register_forward_hook(passes.count)
    try:
        yield passes
    finally:
        handle.remove()


def measure(model: nn.Module, method: Method, batch: Batch, seed: int) -> Values:
    """Explain a batch by one method; return each column as (N,) values."""
    with counted(model) as passes:
        maps = method(model, batch, seed)
    n = len(batch.target)
    counts = {name: torch.full((n,), getattr(passes, name) / n) for name in ("forward", "backward")}
    return {**ranked(model, maps, batch), "tv": metrics.total_variation(_unit(maps.joint)), **counts} | (
        cut(model, maps.masks, batch) if maps.masks else {}
    )


def ranked(model: nn.Module, maps: Maps, batch: Batch) -> Values:
    """What happens as pixels come and go in the order of the maps."""
    options: dict[str, Any] = {"baselines": batch.baseline, "target": batch.target, "n_steps": STEPS}
    curves = metrics.insertion_deletion(model, batch.inputs, maps.joint, **options)
    return {
        "insertion": curves.insertion,
        "deletion": curves.deletion,
        "difference": curves.difference,
        "sufficient_area": metrics.sufficient_area(model, batch.inputs, maps.ssr, keep=0.9, **options),
        "destroying_area": metrics.destroying_area(model, batch.inputs, maps.sdr, leave=0.05, **options),
    }


def cut(model: nn.Module, masks: FIDOMasks, batch: Batch) -> Values:
    """What the masks, cut into regions, keep and leave of the whole image's probability."""
    ssr, sdr = masks.threshold(CUT, "ssr"), masks.threshold(CUT, "sdr")
    whole, kept, left = (
        metrics.probability_under(model, batch.inputs, seen, batch.baseline, batch.target)
        for seen in (torch.ones_like(ssr), ssr, ~sdr)
    )
    return {
        "ssr_kept": (kept / whole).clamp(max=1),
        "ssr_area": metrics.area(ssr),
        "sdr_left": (left / whole).clamp(max=1),
        "sdr_area": metrics.area(sdr),
    }


def _unit(values: Tensor) -> Tensor:
    """Stretch each map to [0, 1], so that scale does not pass for smoothness."""
    low, high = values.amin((1, 2, 3), keepdim=True), values.amax((1, 2, 3), keepdim=True)
    return (values - low) / (high - low).clamp(min=torch.finfo(values.dtype).tiny)


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
            method: {name: float(np.mean(values)) for name, values in columns.items()}
            for method, columns in self.values.items()
        }

    def markdown(self) -> str:
        """Means over photos: all methods side by side, then FIDO's regions."""
        means = self.means()
        cuts = {method: row for method, row in means.items() if "ssr_kept" in row}
        tables = [_markdown(means, COLUMNS), _markdown(cuts, CUT_COLUMNS) if cuts else ""]
        return "\n\n".join(filter(None, tables))


def _markdown(means: Mapping[str, Mapping[str, float]], columns: Mapping[str, str]) -> str:
    lines = [["method", *columns.values()], ["---", *["---:"] * len(columns)]]
    lines += [[method, *(_cell(name, row[name]) for name in columns)] for method, row in means.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(name: str, value: float) -> str:
    return f"{value:.0f}" if name in ("forward", "backward") else f"{value:.3f}"


def load_network(data: Path) -> nn.Module:
    """Load the network beside the photos, frozen, in channels-last layout."""
    spec = importlib.util.spec_from_file_location("benchmark_network", data / "squeezenet.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True  # nothing is written beside the data
    spec.loader.exec_module(module)
    model: nn.Module = module.load()
    return model.requires_grad_(False).to(memory_format=torch.channels_last)


def read(path: Path, size: int) -> Tensor:
    """Read the middle of a photo as normalised RGB (1, 3, size, size), as the network was trained.

    227 px are cut out of 256, at other sizes in the same proportion; at 227 px nothing is resampled.
    """
    with Image.open(path) as file:
        width, height = file.size
        side = min(width, height) * 227 / 256
        left, top = round((width - side) / 2), round((height - side) / 2)
        box = (left, top, left + round(side), top + round(side))
        image = file.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box=box)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (pixels - mean) / std


def batches(model: nn.Module, paths: Sequence[Path], size: int, count: int) -> Iterator[Batch]:
    """Read `count` photos at a time."""
    for start in range(0, len(paths), count):
        inputs = torch.cat([read(path, size) for path in paths[start : start + count]])
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        baseline = infill.blur(inputs).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            yield Batch(inputs, baseline, model(inputs).argmax(1))


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """Choose `count` photos, evenly from the sorted list."""
    count = min(count, len(paths))
    return [paths[i * len(paths) // count] for i in range(count)]


def run(model: nn.Module, paths: Sequence[Path], options: argparse.Namespace) -> Table:
    """Measure all methods on all photos, batch by batch."""
    table, done = Table(), 0
    for batch in batches(model, paths, options.size, options.batch):
        for name in options.methods:
            table.add(name, measure(model, METHODS[name], batch, options.seed))
            note = f"{done + len(batch.target)}/{len(paths)} photos, {name}"
            print(note, "difference {difference:.3f}".format(**table.means()[name]), file=sys.stderr)
        done += len(batch.target)
    return table


def report(table: Table, paths: Sequence[Path], options: argparse.Namespace) -> dict[str, Any]:
    """Everything needed to run this again and to compare photo by photo."""
    settings = {name: value for name, value in vars(options).items() if name not in ("data", "json")}
    versions = {
        "captum_scd": __version__,
        "captum": str(captum.__version__),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    return {
        "settings": {**settings, "steps": STEPS, "cut": CUT, "threads": torch.get_num_threads()},
        "versions": versions,
        "photos": [path.stem for path in paths],
        "means": table.means(),
        "values": table.values,
    }


def _methods(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(METHODS)}, but got {unknown[0]!r}")
    return names


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, but got {value}")
    return value


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    data = Path(os.environ.get("CAPTUM_SCD_REAL_DATA") or DEFAULT_DATA)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=data, help="CAPTUM_SCD_REAL_DATA or ../shared/real")
    parser.add_argument("--images", type=_positive, default=48, help="photos, evenly spread (%(default)s)")
    parser.add_argument("--size", type=_positive, default=227, help="in pixels (%(default)s)")
    parser.add_argument("--threads", type=_positive, default=2, help="of the processor (%(default)s)")
    parser.add_argument("--methods", type=_methods, default=list(METHODS), help=",".join(METHODS))
    parser.add_argument("--json", type=Path, default=Path("out/quality.json"), help="%(default)s")
    parser.add_argument("--batch", type=_positive, default=4, help="photos at a time (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of FIDO and the random order (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    paths = sorted(options.data.glob("imagenet/*.jpg"))
    if not paths or not (options.data / "squeezenet.py").is_file():
        print(f"Expected squeezenet.py and imagenet/*.jpg in {options.data}; see --data.", file=sys.stderr)
        return 2
    paths = spread(paths, options.images)
    table = run(load_network(options.data), paths, options)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report(table, paths, options), indent=1) + "\n")
    print(table.markdown())
    print(f"\nmeans over {len(paths)} photos; photo by photo in {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
