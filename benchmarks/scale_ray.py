"""What a Ray cluster costs and brings: images per second with 1 and 2 workers beside the bare loop, start-up.

    python benchmarks/scale_ray.py                 # the demo's pictures and network
    python benchmarks/scale_ray.py --images 8 --iterations 2 --workers 1     # a smoke test

The rate is that of the images committed after the first batch of each worker, by the times of the files;
start-up is what went by before, less the work on a batch: a cluster, processes of workers, networks in them.
The bare loop has one thread, as a worker has, and is timed in processor seconds, which other processes do not
move: on a machine that is busy with other things the ratio is too low, never too high.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from scale import bare, timed, write

from captum_scd.cli.option_types import whole_number
from captum_scd.dataset.on_ray import explain_on_ray
from captum_scd.dataset.spreading import Cluster
from captum_scd.demo import generate, load, normalize
from captum_scd.tables import markdown


def on_ray(
    dataset: Sequence[Any], place: Path, workers: int, options: argparse.Namespace
) -> dict[str, float]:
    """Images a second, and seconds of start-up, of a run with a cluster of its own."""
    start = time.time()
    explain_on_ray(
        load,
        dataset,
        place,
        cluster=Cluster(workers),
        batch_size=options.batch,
        part_size=options.batch,
        show_progress=False,
        n_iterations=options.iterations,
    )
    ends = sorted(path.stat().st_mtime for path in place.glob("facts/*/zarr.json"))
    rate = options.batch * (len(ends) - workers) / (ends[-1] - ends[workers - 1])
    begun = ends[workers - 1] - start - workers * options.batch / rate
    return {"workers": workers, "rate": rate, "start": begun, "all": time.time() - start}


def rates(options: argparse.Namespace, folder: Path) -> list[dict[str, float]]:
    """Clusters, each with the rate of the bare loop right before and after it, in processor seconds."""
    images = normalize(generate(options.images).images)
    dataset = [(f"beetle {number:05}", image) for number, image in enumerate(images)]
    model, settings = load(), {"n_iterations": options.iterations}

    def loop() -> float:
        return len(images) / timed(lambda: bare(model, images, options.batch, settings))["cpu"]

    loops, rows = [loop()], []
    for workers in options.workers:
        rows.append(on_ray(dataset, folder / f"{workers}.zarr", workers, options))
        loops.append(loop())
        rows[-1]["bare"] = (loops[-2] + loops[-1]) / 2
    return rows


def table(rows: Sequence[dict[str, float]]) -> str:
    """The numbers as Markdown."""
    header = (
        "workers",
        "images per second",
        "bare loop, a processor second",
        "ratio",
        "start-up, s",
        "whole run, s",
    )
    lines = [
        (
            str(row["workers"]),
            f"{row['rate']:.2f}",
            f"{row['bare']:.2f}",
            f"{row['rate'] / row['bare']:.2f}",
            f"{row['start']:.0f}",
            f"{row['all']:.0f}",
        )
        for row in rows
    ]
    return markdown(header, lines)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=whole_number(1), default=64, help="pictures explained (%(default)s)")
    parser.add_argument("--iterations", type=whole_number(1), default=60, help="of FIDO (%(default)s)")
    parser.add_argument("--batch", type=whole_number(1), default=8, help="images at a time (%(default)s)")
    parser.add_argument(
        "--workers", type=whole_number(1), nargs="+", default=[1, 2], help="of each run (1 2)"
    )
    parser.add_argument("--json", type=Path, default=Path("out/scale_ray.json"), help="%(default)s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(1)
    before = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder:
        rows = rates(options, Path(folder))
    write({"rows": rows, "load": [before, os.getloadavg()]}, options)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
