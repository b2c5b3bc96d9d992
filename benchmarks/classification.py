"""Does a second look help? Mask-guided classification beside plain crops and other methods' boxes.

`python benchmarks/classification.py --help`; how to read the tables stands in `benchmarks/README.md`.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common.data import parser_with_data
from common.networks import SIZES, load_network
from common.paired import bootstrap_interval
from numpy.typing import NDArray
from second_look.cases import Case, Source, note
from second_look.looks import Answer, Cache, ask
from torch import Tensor
from torch.nn import functional as F

from captum_scd import __version__
from captum_scd.classification import COMBINATIONS
from captum_scd.cli.option_types import whole_number
from captum_scd.tables import markdown

MAIN = "FIDO crop and whole"
"""The library's default, which is named here and not picked from the table."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A way to answer: its logits (N, classes) of all examples, and the truth."""

    name: str
    logits: Tensor
    labels: Tensor

    @property
    def right(self) -> Values:
        """(N,) 1 where the answer is right."""
        hits: Values = (self.logits.argmax(1) == self.labels).double().numpy()
        return hits

    @property
    def loss(self) -> Values:
        """(N,) negative logarithm of the true class's probability."""
        losses: Values = F.cross_entropy(self.logits, self.labels, reduction="none").double().numpy()
        return losses


@dataclass(frozen=True)
class Answers:
    """All answers of one part."""

    all: Sequence[Answer]

    @property
    def groups(self) -> list[str]:
        """The photo each example is made of."""
        return [one.case.name for one in self.all]

    def rows(self) -> Iterator[Row]:
        """Fixed settings first, then those chosen on the other folds."""
        labels = torch.tensor([one.case.label for one in self.all])
        yield Row("no mask", torch.stack([one.first for one in self.all]), labels)
        methods = list(dict.fromkeys(method for method, _ in self.all[0].looks))
        for combine, words in (("replace", "{}"), ("mean_logits", "{} and whole")):
            for method in methods:
                setting = self._settings(method)[0]
                yield Row(words.format(method), self._combined(method, setting, combine), labels)
        for method in methods:
            yield Row(f"{method}, chosen", self._chosen(method, labels), labels)

    def _settings(self, method: str) -> list[str]:
        return [setting for name, setting in self.all[0].looks if name == method]

    def _combined(self, method: str, setting: str, combine: str) -> Tensor:
        looks = torch.stack([torch.cat([one.first[None], one.looks[method, setting]]) for one in self.all])
        return COMBINATIONS[combine](looks)

    def _chosen(self, method: str, labels: Tensor) -> Tensor:
        """For each fold, the setting and combination with the least log-loss on the other folds."""
        tried = [
            Row("", self._combined(method, setting, combine), labels)
            for setting in self._settings(method)
            for combine in COMBINATIONS
        ]
        losses = np.stack([row.loss for row in tried])
        folds = np.array([one.case.fold for one in self.all])
        logits = torch.empty_like(tried[0].logits)
        for fold in np.unique(folds):
            others = losses[:, folds != fold] if (folds != fold).any() else losses
            held = torch.from_numpy(folds == fold)
            logits[held] = tried[int(others.mean(1).argmin())].logits[held]
        return logits


def compare(row: Row, base: Row, groups: Sequence[str], seed: int) -> dict[str, Any]:
    """By how much a row differs from a base row, with paired intervals."""
    gain, change = row.right - base.right, row.loss - base.loss
    return {
        "row": row.name,
        "base": base.name,
        "top1": float(row.right.mean()),
        "log_loss": float(row.loss.mean()),
        "gain": float(gain.mean()),
        "gain_interval": bootstrap_interval(gain, groups, seed),
        "loss_change": float(change.mean()),
        "loss_interval": bootstrap_interval(change, groups, seed),
    }


def report(part: str, answers: Answers, seed: int) -> dict[str, Any]:
    """Print the tables of a part; return them with every answer."""
    rows = list(answers.rows())
    (ours,) = (row for row in rows if row.name == MAIN)
    over_none = [compare(row, rows[0], answers.groups, seed) for row in rows]
    over_rest = [compare(ours, row, answers.groups, seed) for row in rows if row is not ours]
    photos = len(set(answers.groups))
    print(f"\n## {part}: {len(answers.all)} examples of {photos} photos")
    print(
        f"\n{_markdown('row', 'no mask', over_none)}\n\n{_markdown('base', 'it', over_rest, MAIN)}",
        flush=True,
    )
    return {"rows": over_none, "main": over_rest, "answers": [_record(one) for one in answers.all]}


def _markdown(key: str, base: str, table: Sequence[Mapping[str, Any]], over: str = "") -> str:
    """A line for each comparison, named by its row or its base."""
    named = f"{over} over ..." if over else "row"
    header = [named, "top-1 ↑", f"points over {base}", "log-loss ↓", f"log-loss against {base}"]
    lines = []
    for one in table:
        low, high = (100 * value for value in one["gain_interval"])
        first, last = one["loss_interval"]
        lines.append([
            one[key],
            f"{100 * one['top1']:.1f}",
            f"{100 * one['gain']:+.1f} [{low:+.1f}, {high:+.1f}]",
            f"{one['log_loss']:.3f}",
            f"{one['loss_change']:+.3f} [{first:+.3f}, {last:+.3f}]",
        ])  # fmt: skip
    return markdown(header, lines)


def _record(one: Answer) -> dict[str, Any]:
    """What each look said of an example, and its log-loss."""
    label = torch.tensor(one.case.label)
    looks = {" / ".join(key): logits.mean(0) for key, logits in one.looks.items()}
    said = {"whole": one.first, **looks}
    return {
        "name": one.case.name,
        "label": one.case.label,
        "fold": one.case.fold,
        "said": {name: int(logits.argmax()) for name, logits in said.items()},
        "loss": {name: round(F.cross_entropy(logits, label).item(), 4) for name, logits in said.items()},
    }


def answered(cases: Sequence[Case], cache: Cache) -> Iterator[Answer]:
    """Answer all cases, telling how long it takes."""
    start = time.monotonic()
    for place, case in enumerate(cases, start=1):
        yield ask(case, cache)
        left = (time.monotonic() - start) / place * (len(cases) - place) / 60
        note(f"{place}/{len(cases)} examples, {case.part}, {left:.0f} min left", last=place == len(cases))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    out = Path("out")
    parser = parser_with_data(__doc__)
    parser.add_argument("--part", choices=("birds", "photos", "all"), default="all", help="%(default)s")
    parser.add_argument("--network", choices=SIZES, default="squeezenet", help="%(default)s")
    parser.add_argument(
        "--images", type=whole_number(1), default=10**6, help="most photos a part, evenly spread"
    )
    parser.add_argument(
        "--leave-out",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="leave out those that --images N takes (%(default)s)",
    )
    parser.add_argument("--iterations", type=whole_number(1), default=16, help="of FIDO (%(default)s)")
    parser.add_argument(
        "--k",
        type=whole_number(1),
        default=1,
        help="likeliest classes FIDO looks for (%(default)s)",
    )
    parser.add_argument("--bfloat16", action="store_true", help="learn masks in half precision")
    parser.add_argument("--device", default="cpu", help="%(default)s")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="of folds, canvases, masks (%(default)s)"
    )
    parser.add_argument("--cache", type=Path, default=out / "classification", help="%(default)s")
    parser.add_argument("--json", type=Path, default=out / "classification.json", help="%(default)s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    wanted = [
        f"{options.network}.py",
        *(f for f, part in (("birds", "photos"), ("imagenet", "birds")) if options.part != part),
    ]
    missing = [name for name in wanted if not (options.data / name).exists()]
    if missing:
        print(f"Expected {missing[0]} in {options.data}; see --data.", file=sys.stderr)
        return 2
    device = torch.device(options.device)
    network = load_network(options.data, network=options.network).to(device)
    size = SIZES[options.network]
    source = Source(network, options.data, device, options.images, options.leave_out, options.seed, size)
    cases = (source.birds() if options.part != "photos" else []) + (
        source.photos() if options.part != "birds" else []
    )
    cache = Cache(options.cache, options.iterations, options.k, options.seed, options.bfloat16)
    answers = list(answered(cases, cache))
    tables = {
        part: report(part, Answers([one for one in answers if one.case.part == part]), options.seed)
        for part in dict.fromkeys(case.part for case in cases)
    }
    settings = {name: str(value) for name, value in vars(options).items()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps({"settings": settings, "version": __version__, **tables}, indent=1) + "\n"
    )
    print(f"\nanswer by answer in {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
