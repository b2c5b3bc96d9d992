"""Can one map be trusted? FIDO at the library's defaults, two seeds of each photo, judged under two infills.

    python benchmarks/trust.py --network efficientnet_lite0
    python benchmarks/trust.py --images 8 --fast

What is done is kept in `--json`, and the same command goes on from there.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from math import isnan, nan
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from common.data import parser_with_data, photos, read, spread
from common.kept import earlier, keep
from common.networks import SIZES, load_network
from common.regions import ROWS, regions
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, infill, metrics
from captum_scd.attribution import FAST
from captum_scd.cli.option_types import whole_number
from captum_scd.passes import counted
from captum_scd.tables import markdown
from captum_scd.verdict import AGREEMENT

SEEDS = (0, 1)
WORST = 5
KEEPS, LEAVES = 0.8, 0.2
"""What a region must do under its own infill for a verdict of trust to be true."""

HEADINGS = {
    "difference": "difference ↑",
    "mean_colour": "difference under the mean colour ↑",
    "tv": "TV of the joint map ↓",
    "ssr_kept": "SSR keeps ↑",
    "ssr_area": "SSR area ↓",
    "sdr_left": "SDR leaves ↓",
    "sdr_area": "SDR area ↓",
    "background": "5th percentile of the joint map ↓",
    "correlation": "correlation of two seeds ↑",
    "iou": "IoU of their SSR ↑",
    "agreement": "IoU of the SSRs that the two starts of one seed come to ↑",
    "trusted": "share called trustworthy",
    "passes": "pass equivalents ↓",
}

Values = Mapping[str, float]


def explained(
    model: nn.Module, inputs: Tensor, seed: int, options: Mapping[str, Any]
) -> tuple[FIDOMasks, Values]:
    """Explain the predicted class of a photo (1, 3, H, W), and measure the masks."""
    with torch.no_grad():
        target = model(inputs).argmax(1)
    settings = {"seed": seed, "internal_batch_size": ROWS, "return_masks": True, **options}
    with counted(model) as passes:
        _, masks = FIDOAttribution(model).attribute(inputs, target=target, **settings)
    under = {
        name: metrics.insertion_deletion(model, inputs, masks.joint, filled, target).difference
        for name, filled in (("difference", masks.infill), ("mean_colour", infill.mean(inputs)))
    }
    verdict = masks.verdict[0]
    values = {
        **under,
        **{name: one for name, one in regions(model, masks, inputs, target).items() if name in HEADINGS},
        "tv": metrics.total_variation(masks.joint),
        "background": masks.joint.flatten().quantile(0.05),
        "agreement": verdict.agreement,
        "trusted": verdict.trusted,
        "passes": passes.forward + 3 * passes.backward,
    }
    return masks, {name: float(value) for name, value in values.items()}


def alike(first: FIDOMasks, second: FIDOMasks) -> Values:
    """How far the joint maps and the cut SSR of two seeds agree."""
    pair = torch.stack([first.joint.flatten(), second.joint.flatten()])
    overlap = metrics.iou(first.threshold(0.5, "ssr").float(), second.threshold(0.5, "ssr"))
    return {"correlation": float(torch.corrcoef(pair)[0, 1]), "iou": float(overlap)}


def run(model: nn.Module, paths: Sequence[Path], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the photos that are not measured yet; one record a photo."""
    asked = {"network": options.network, "fast": options.fast, "seeds": list(SEEDS)}
    done: list[dict[str, Any]] = earlier(options.json, asked).get("values", [])
    for path in paths[len(done) :]:
        inputs = read(path, SIZES[options.network], SIZES[options.network])
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        found = [explained(model, inputs, seed, FAST if options.fast else {}) for seed in SEEDS]
        record = {"photo": path.stem, "seeds": [values for _, values in found]}
        done.append({**record, **alike(*(masks for masks, _ in found))})
        keep(options.json, asked, values=done)
        print(f"{len(done)}/{len(paths)} photos", file=sys.stderr)
    return done[: len(paths)]


def means(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Means over photos and seeds."""
    return {name: fmean(_of_photo(record, name) for record in records) for name in HEADINGS}


def _of_photo(record: Mapping[str, Any], name: str) -> float:
    """A value of both seeds together, or the mean of what each has."""
    return float(record[name]) if name in record else fmean(one[name] for one in record["seeds"])


def worst(records: Sequence[Mapping[str, Any]]) -> float:
    """Mean difference of the worst photos, mean over the seeds."""
    return fmean(
        fmean(sorted(record["seeds"][place]["difference"] for record in records)[:WORST])
        for place in range(len(SEEDS))
    )


def false_trust(records: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many masks fail their own definition, and how many of them were called trustworthy."""
    masks = [one for record in records for one in record["seeds"]]
    failed = [one for one in masks if one["ssr_kept"] < KEEPS or one["sdr_left"] > LEAVES]
    return len(failed), sum(bool(one["trusted"]) for one in failed)


def moved(records: Sequence[Mapping[str, Any]], agree: bool) -> float:
    """Share of masks whose region another seed hardly finds again, of those whose starts do (not) agree.

    NaN where there are none, as with a single start.
    """
    pairs = [(record["iou"], one["agreement"]) for record in records for one in record["seeds"]]
    compared = [(iou, agreement) for iou, agreement in pairs if not isnan(agreement)]
    overlaps = [iou for iou, agreement in compared if (agreement >= AGREEMENT) == agree]
    return fmean(iou < AGREEMENT for iou in overlaps) if overlaps else nan


def table(records: Sequence[Mapping[str, Any]]) -> str:
    """All means, as Markdown."""
    failed, trusted = false_trust(records)
    rows = [
        *((HEADINGS[name], f"{value:.3f}") for name, value in means(records).items()),
        (f"difference of the {WORST} worst photos ↑", f"{worst(records):.3f}"),
        ("masks that fail", f"{failed} of {len(records) * len(SEEDS)}"),
        ("of these called trustworthy, 0 by definition", str(trusted)),
        (
            f"share of masks whose IoU with another seed's is below {AGREEMENT:g}, where starts agree ↓",
            _share(records, True),
        ),
        ("the same, where starts do not agree", _share(records, False)),
    ]
    return markdown(["", "mean"], rows)


def _share(records: Sequence[Mapping[str, Any]], agree: bool) -> str:
    return f"{moved(records, agree):.3f}"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument(
        "--images", type=whole_number(1), default=48, help="photos, evenly spread (%(default)s)"
    )
    parser.add_argument("--network", choices=SIZES, default="efficientnet_lite0", help="%(default)s")
    parser.add_argument("--fast", action="store_true", help="the fast settings instead of the defaults")
    parser.add_argument("--json", type=Path, default=Path("out/trust.json"), help="%(default)s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    paths = spread(photos(options.data), options.images)
    if not paths:
        return 2
    records = run(load_network(options.data, network=options.network), paths, options)
    print(table(records))
    print(f"\n{options.network}, {len(records)} photos, seeds {SEEDS}; photo by photo in {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
