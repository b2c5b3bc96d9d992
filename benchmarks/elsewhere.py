"""Do the defaults hold elsewhere? Other networks and questions than those they were chosen on.

    python benchmarks/elsewhere.py --subjects mosaics --images 4
    python benchmarks/elsewhere.py --subjects beetles,transformer    # need no data

How to read the tables stands in `benchmarks/README.md`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from common.data import parser_with_data
from common.tables import HEADINGS, Table, passes
from subjects import SUBJECTS, Question
from torch import Tensor

from captum_scd import compare, metrics
from captum_scd.cli.option_types import names_of, whole_number
from captum_scd.comparison import METHODS
from captum_scd.provenance import versions

METHODS_ASKED = ("fido", "gradcam", "integrated_gradients", "occlusion", "random")
MEASURED = ("insertion", "deletion", "difference", "sufficient_area", "destroying_area")
COLUMNS = {
    "certainty": "probability",
    **{name: HEADINGS[name] for name in MEASURED},
    "energy": "energy in the region ↑",
    "forward": HEADINGS["forward"],
    "backward": HEADINGS["backward"],
}
NEED_DATA = ("mosaics", "birds", "pairs", "dinov2")


def energy_in(region: Tensor) -> tuple[Callable[..., Tensor], str]:
    """Share of what is above 0 in a map that lies in a region, as a metric of `compare`."""

    def energy(model: Any, inputs: Tensor, attributions: Tensor, baselines: Tensor, target: Tensor) -> Tensor:
        return metrics.energy_pointing_game(attributions.clamp(min=0), region)

    return energy, "higher"


def measure(question: Question, table: Table, methods: Sequence[str]) -> None:
    """Ask all methods a question; those that do not apply to its network are left out."""
    asked: dict[str, Any] = {name: name for name in MEASURED if question.curves}
    if question.region is not None:
        asked["energy"] = energy_in(question.region)
    comparison = compare(question.model, question.inputs, question.target, methods, asked)
    with torch.no_grad():
        certainty = question.model(question.inputs).softmax(1).gather(1, question.target[:, None])[:, 0]
    for row in comparison.rows.values():
        if row.cost is None:
            print(f"{row.label}: {row.status}, {row.note}", file=sys.stderr)
        else:
            table.add(row.label, {"certainty": certainty, **row.values, **passes(row.cost, len(comparison))})


def run(subject: str, options: argparse.Namespace) -> Table:
    """Measure all questions of a subject."""
    table = Table()
    for question in SUBJECTS[subject](options.data, options.images):
        measure(question, table, options.methods)
        print(f"{subject}: {question.name}", file=sys.stderr, flush=True)
    return table


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument(
        "--subjects", type=names_of("subject", SUBJECTS), default=tuple(SUBJECTS), help=",".join(SUBJECTS)
    )
    parser.add_argument(
        "--methods", type=names_of("method", METHODS), default=METHODS_ASKED, help=",".join(METHODS)
    )
    parser.add_argument(
        "--images", type=whole_number(1), default=16, help="of a subject; mosaics hold four (%(default)s)"
    )
    parser.add_argument("--json", type=Path, default=Path("out/elsewhere.json"), help="%(default)s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    real = set(options.subjects) & set(NEED_DATA)
    if real and not (options.data / "squeezenet.py").is_file():
        print(f"Expected squeezenet.py, imagenet and birds in {options.data}; see --data.", file=sys.stderr)
        return 2
    tables = {}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    for subject in options.subjects:
        table = run(subject, options)
        tables[subject] = table.values
        told = {"images": options.images, "versions": versions(), "values": tables}
        options.json.write_text(json.dumps(told, indent=1) + "\n")
        print(f"{subject}\n\n{table.markdown(COLUMNS)}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
