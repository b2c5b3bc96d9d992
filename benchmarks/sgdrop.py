"""Does Saliency Guided Dropout train networks that look at more of the image, and get more right?

    python benchmarks/sgdrop.py --part beetles    # look-alikes with a label card in the training images only
    python benchmarks/sgdrop.py --part birds      # few photos of look-alike birds; needs the real data
    python benchmarks/sgdrop.py --part cost       # a training step beside a plain one

Every row is trained on the same images in the same order from the same weights. `--help` has the rest; how
to read the tables stands in `benchmarks/README.md`.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from common.data import parser_with_data
from common.kept import earlier, keep
from common.networks import SIZES
from overfocus import beetles, birds, cost, summary
from overfocus.measures import measure
from overfocus.rows import ROWS
from overfocus.task import Task
from overfocus.training import Recipe, fit

from captum_scd.cli.option_types import names_of, whole_number
from captum_scd.tables import markdown

COLUMNS = {
    "accuracy": "accuracy ↑",
    "hidden": "10 % hidden ↑",
    "cam_area": "GradCAM area ↑",
    "cam_entropy": "GradCAM entropy ↑",
    "fido_area": "FIDO area ↑",
    "fido_entropy": "FIDO entropy ↑",
    "misled_accuracy": "wrong card ↑",
    "misled_energy": "energy on card ↓",
    "worst_group": "worst group ↑",
}
OURS = "sgdrop"

Table = dict[str, dict[str, list[float]]]


def experiment(make: Callable[[int], Task], recipe: Recipe, options: argparse.Namespace) -> Table:
    """Train and measure every row on every seed, but for what an earlier run has left in `--json`."""
    table = resumed(options)
    for seed in range(options.seeds):
        todo = [row for row in options.rows if len(table[row]["accuracy"]) <= seed]
        if not todo:
            continue
        task = make(seed)
        for row in todo:
            start = time.perf_counter()
            tail = fit(task, ROWS[row], recipe, seed)
            for column, value in measure(task, tail, options.fido_images, seed).items():
                table[row][column].append(value)
            keep(options.json, asked(options), values=table)
            took, right = time.perf_counter() - start, table[row]["accuracy"][-1]
            print(f"seed {seed}, {row}: accuracy {right:.3f}, {took:.0f} s", file=sys.stderr, flush=True)
    return {row: {name: of[: options.seeds] for name, of in table[row].items()} for row in options.rows}


def resumed(options: argparse.Namespace) -> Table:
    """What a run with the same settings has left, by row and column, seed after seed."""
    table: Table = defaultdict(lambda: defaultdict(list))
    for row, columns in earlier(options.json, asked(options)).get("values", {}).items():
        table[row].update(columns)
    return table


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """What the numbers of a row and seed depend on."""
    names = ("part", "network", "rate", "layer", "train", "test", "epochs", "size", "fido_images")
    return {name: getattr(options, name) for name in names}


def run_beetles(options: argparse.Namespace) -> Table:
    recipe = Recipe(options.rate or 0.1, options.epochs or 20, learning_rate=3e-3)
    train, test = options.train or 12, options.test or 20
    layer = options.layer or "start"
    return experiment(lambda seed: beetles.make(seed, train, test, layer), recipe, options)


def run_birds(options: argparse.Namespace) -> Table:
    recipe = Recipe(options.rate or 0.1, options.epochs or 20, learning_rate=5e-4)
    data = birds.Birds(options.data, options.size, options.network)
    return experiment(lambda seed: data.make(seed, options.train or 10, options.layer), recipe, options)


def tables(table: Table, to: str = OURS) -> str:
    """Means of all rows, and what one of them gains on each of the others."""
    columns = {name: title for name, title in COLUMNS.items() if name in next(iter(table.values()))}
    text = summary.means(table, columns)
    if to in table and len(table) > 1:
        text += f"\n\n{to} minus each other row, seed by seed:\n\n"
        text += summary.differences(table, columns, to=to)
    return text


def cost_table(rows: dict[str, dict[str, float]]) -> str:
    forms = {
        "plain": "{:.3f}",
        "sgdrop": "{:.3f}",
        "ratio": "{:.2f}",
        "forward": "{:.0f}",
        "backward": "{:.0f}",
    }
    header = ["network, unit", "plain, s", "SGDrop, s", "ratio ↓", "passes without a graph", "with"]
    lines = [[name, *(form.format(row[key]) for key, form in forms.items())] for name, row in rows.items()]
    return markdown(header, lines)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument("--part", choices=("beetles", "birds", "cost"), required=True)
    parser.add_argument("--seeds", type=whole_number(1), default=5, help="(%(default)s)")
    parser.add_argument(
        "--rows",
        type=names_of("row", ROWS),
        default=["nothing", "dropout", "dropout2d", "dropblock", "cutmix", "last-layer", OURS],
    )
    parser.add_argument("--network", choices=SIZES, default="squeezenet", help="of the birds (%(default)s)")
    parser.add_argument("--to", choices=ROWS, default=OURS, help="row less each other one (%(default)s)")
    parser.add_argument("--rate", type=float, help="share that every row drops (0.1)")
    parser.add_argument(
        "--layer",
        help="part of the tail to drop from (what the frozen stem gives; of birds, the last map)",
    )
    parser.add_argument("--train", type=whole_number(1), help="training images of each class")
    parser.add_argument(
        "--test", type=whole_number(1), help="test images of each class; of birds, all others"
    )
    parser.add_argument("--epochs", type=whole_number(1))
    parser.add_argument(
        "--size", type=whole_number(1), help="of the birds, in pixels, by default what the network knows"
    )
    parser.add_argument("--fido-images", type=whole_number(0), default=8, help="test images FIDO explains")
    parser.add_argument("--repeats", type=whole_number(1), default=9, help="pairs of steps (%(default)s)")
    parser.add_argument("--json", type=Path, help="out/sgdrop-PART.json")
    options = parser.parse_args(arguments)
    options.size = options.size or SIZES[options.network]
    options.json = options.json or Path(f"out/sgdrop-{options.part}.json")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    if options.part == "birds" and not any(options.data.glob("birds/*/*.jpg")):
        print(
            f"Expected {options.network}.py and birds/*/*.jpg in {options.data}; see --data.", file=sys.stderr
        )
        return 2
    if options.part == "cost":
        values = cost.table(options.repeats)
        keep(options.json, asked(options), values=values)
        text = cost_table(values)
    else:
        measured = run_beetles(options) if options.part == "beetles" else run_birds(options)
        text = tables(measured, options.to)
    print(f"{text}\n\nvalue by value in {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
