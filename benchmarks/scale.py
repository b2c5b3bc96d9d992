"""What a store of masks costs: bytes per image, throughput beside the bare loop, start-up.

    python benchmarks/scale.py                 # the demo's pictures and network
    python benchmarks/scale.py --images 8 --iterations 2 --json out/smoke.json     # a smoke test

The bare loop is `FIDOAttribution.attribute` over the same batches, which are in memory, keeping nothing. Both
are run in turns. How to read the table stands in `benchmarks/README.md`.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from captum_scd import FIDOAttribution, FIDOMasks
from captum_scd.cli.option_types import whole_number
from captum_scd.dataset import explain_dataset
from captum_scd.demo import generate, load, normalize
from captum_scd.provenance import versions
from captum_scd.store import Entry, MaskStore
from captum_scd.tables import markdown

BLOCK = 4096
"""Bytes that a disk gives out at a time."""

Seconds = dict[str, float]


def timed(work: Callable[[], Any]) -> Seconds:
    """Seconds on the clock, and of this process on all processors, which others do not move."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def bare(model: Any, images: Tensor, batch: int, settings: dict[str, Any]) -> None:
    """Explain the predicted classes, and keep nothing."""
    fido = FIDOAttribution(model)
    for rows in images.split(batch):
        with torch.no_grad():
            target = model(rows).argmax(1)
        fido.attribute(rows, target=target, **settings)


def size_of(place: Path) -> dict[str, float]:
    """Bytes and objects of a store: as written, and in whole blocks, as a disk keeps them."""
    sizes = [path.stat().st_size for path in place.rglob("*") if path.is_file()]
    return {
        "bytes": sum(sizes),
        "bytes_in_blocks": sum(-(-size // BLOCK) * BLOCK for size in sizes),
        "objects": len(sizes),
    }


def throughput(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Time both ways in turns, then an empty run, one over what is done, and a look at one image."""
    model, images = load(), normalize(generate(options.images).images)
    dataset = [(f"beetle {number:05}", image) for number, image in enumerate(images)]
    settings = {"n_iterations": options.iterations}
    places = [folder / f"{turn}.zarr" for turn in range(options.turns)]

    def stored(rows: Any, place: Path) -> None:
        explain_dataset(model, rows, place, batch_size=options.batch, show_progress=False, **settings)

    start = timed(lambda: stored([], folder / "empty.zarr"))
    turns = [
        {
            "bare": timed(lambda: bare(model, images, options.batch, settings)),
            "stored": timed(lambda place=place: stored(dataset, place)),
        }
        for place in places
    ]
    return {
        "start": start,
        "turns": turns,
        "again": timed(lambda: stored(dataset, places[0])),
        "look": timed(lambda: MaskStore.open(places[0])[dataset[-1][0]]),
        "store": size_of(places[0]),
    }


def large(options: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Fill a store with masks that nothing compresses; time commits, opening, and a look at one image."""
    identity = {"settings": {}, "model": "", "classes": [], "preparation": None}
    store = MaskStore.create(place, identity)
    parts = max(1, options.entries // 64)
    filled = timed(lambda: [store.append(random_entries(part), f"part{part:06}") for part in range(parts)])
    again = MaskStore.open(place)
    opened = timed(lambda: len(again))
    look = timed(lambda: again[f"n01440764/image_{parts - 1:06}_63.JPEG"])
    return {"entries": 64 * parts, "filled": filled, "opened": opened, "look": look, "store": size_of(place)}


def random_entries(part: int) -> list[Entry]:
    """64 entries with default masks of random cells, names and numbers as long as they are for ImageNet."""
    cells = torch.rand(64, 2, 1, 28, 28, generator=torch.Generator().manual_seed(part))
    numbers = torch.rand(64, 7).tolist()
    return [
        Entry(
            f"n01440764/image_{part:06}_{row:02}.JPEG",
            FIDOMasks(cells[row, :1], cells[row, 1:], (224, 224)),
            target=row,
            predicted=row,
            probability=dict(zip(("image", "predicted", "ssr", "sdr"), values, strict=False)),
            areas=dict(zip(("joint", "ssr", "sdr"), values[4:], strict=True)),
            source=f"/data/imagenet/train/n01440764/image_{part:06}_{row:02}.JPEG",
        )
        for row, values in enumerate(numbers)
    ]


def table(result: dict[str, Any]) -> str:
    """The numbers as Markdown."""
    run, filled, images = result["run"], result["large"], result["images"]
    ratio = statistics.median(turn["stored"]["cpu"] / turn["bare"]["cpu"] for turn in run["turns"])
    rate = {
        way: images / statistics.median(turn[way]["wall"] for turn in run["turns"])
        for way in ("bare", "stored")
    }
    each = {name: value / filled["entries"] for name, value in filled["store"].items()}
    rows = [
        ("images per second, bare loop", f"{rate['bare']:.2f}"),
        ("images per second, into a store", f"{rate['stored']:.2f}"),
        ("processor seconds, store over bare loop", f"{ratio:.3f}"),
        ("a run over nothing, s", f"{run['start']['wall']:.2f}"),
        (f"a run over {images} that are done, s", f"{run['again']['wall']:.2f}"),
        ("bytes per image, masks of the demo", f"{run['store']['bytes'] / images:.0f}"),
        ("bytes per image, random masks of 28 x 28", f"{each['bytes']:.0f}"),
        ("the same, in whole blocks of a disk", f"{each['bytes_in_blocks']:.0f}"),
        ("objects for 1,000 images", f"{1000 * each['objects']:.0f}"),
        ("commit, ms an image", f"{1000 * filled['filled']['wall'] / filled['entries']:.2f}"),
        (f"opening {filled['entries']} images, s", f"{filled['opened']['wall']:.2f}"),
        ("a look at one image, ms", f"{1000 * filled['look']['wall']:.1f}"),
    ]
    return markdown(["measured", "value"], rows)


def write(result: dict[str, Any], options: argparse.Namespace) -> None:
    """Keep a result in `--json`, with what it depends on."""
    asked = {name: str(value) for name, value in vars(options).items()}
    told = {**result, "asked": asked, "versions": versions(), "processors": os.cpu_count()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(told, indent=2) + "\n")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=whole_number(1), default=64, help="pictures explained (%(default)s)")
    parser.add_argument("--iterations", type=whole_number(1), default=60, help="of FIDO (%(default)s)")
    parser.add_argument("--batch", type=whole_number(1), default=8, help="images at a time (%(default)s)")
    parser.add_argument("--turns", type=whole_number(1), default=3, help="of each way (%(default)s)")
    parser.add_argument(
        "--entries", type=whole_number(1), default=6400, help="random ones, for the store alone (%(default)s)"
    )
    parser.add_argument("--threads", type=whole_number(1), default=2, help="of the processor (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("out/scale.json"), help="%(default)s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = {
            "images": options.images,
            "run": throughput(options, Path(folder)),
            "large": large(options, Path(folder) / "large.zarr"),
            "load": os.getloadavg(),
        }
    write(result, options)
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
