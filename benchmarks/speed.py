"""What does FIDO cost beyond the network? The same rows through the bare network, in turns, in one run.

    python benchmarks/speed.py                  # on the processor
    python benchmarks/speed.py --device cuda    # on a GPU, with memory against `internal_batch_size`

How to read the tables stands in `benchmarks/README.md`.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from bottlenecks import resnet50
from common.data import parser_with_data
from common.networks import load_network
from torch import Tensor, nn

from captum_scd import FIDOAttribution
from captum_scd.cli.option_types import names_of, whole_number
from captum_scd.passes import Passes, counted
from captum_scd.provenance import versions
from captum_scd.tables import markdown

NETWORKS = ("squeezenet", "resnet50")
CAPS = (4, 8, 16, 32, 64)
"""Values of `internal_batch_size` whose memory is measured."""


@dataclass(frozen=True)
class Cost:
    """What one batch cost.

    Attributes:
        network: its name.
        batch: images explained at once.
        forward, backward: rows an image that only went forward, that went forward and backward.
        fido, bare: seconds; of the processor on a CPU, of the clock on a GPU.
        ratio: median of FIDO over bare, pair by pair.
    """

    network: str
    batch: int
    forward: float
    backward: float
    fido: float
    bare: float
    ratio: float


@dataclass(frozen=True)
class Memory:
    """Most memory that a batch took on a GPU beyond model and inputs, in bytes."""

    network: str
    batch: int
    internal_batch_size: int
    peak: int


def measure(
    name: str, model: nn.Module, images: Tensor, iterations: int, repeats: int, cap: int | None
) -> Cost:
    """Take `repeats` pairs of an explained batch and its bare rows; one pair before is not counted."""
    method = FIDOAttribution(model)
    target = torch.zeros(len(images), dtype=torch.long, device=images.device)

    def explain() -> None:
        method.attribute(images, target=target, n_iterations=iterations, internal_batch_size=cap)

    with counted(model) as passes:
        explain()
    pairs = []
    for _ in range(repeats + 1):
        pairs.append((seconds(explain, images), seconds(lambda: bare(model, images, passes, cap), images)))
    return Cost(
        network=name,
        batch=len(images),
        forward=passes.forward / len(images),
        backward=passes.backward / len(images),
        fido=statistics.median(fido for fido, _ in pairs[1:]),
        bare=statistics.median(alone for _, alone in pairs[1:]),
        ratio=statistics.median(fido / alone for fido, alone in pairs[1:]),
    )


def bare(model: nn.Module, images: Tensor, passes: Passes, cap: int | None) -> None:
    """Send as many rows through the network, as many at a time as FIDO does, and nothing else."""
    step = min(cap or 64, 2 * len(images))
    for rows in _pieces(images, passes.backward, step):
        rows.requires_grad_()
        torch.autograd.grad(model(rows)[:, 0].sum(), rows)
    with torch.no_grad():
        for rows in _pieces(images, passes.forward, cap or 64):
            model(rows)


def _pieces(images: Tensor, count: int, step: int) -> Iterator[Tensor]:
    many = images.repeat(-(-step // len(images)), 1, 1, 1)
    for start in range(0, count, step):
        yield many[: min(step, count - start)].clone()


def seconds(work: Callable[[], None], images: Tensor) -> float:
    """Time work: of the processor, which other processes do not touch, or of the clock on a GPU."""
    if images.device.type == "cpu":
        start = time.process_time()
        work()
        return time.process_time() - start
    torch.cuda.synchronize(images.device)
    start = time.perf_counter()
    work()
    torch.cuda.synchronize(images.device)
    return time.perf_counter() - start


def memory(name: str, model: nn.Module, images: Tensor, cap: int) -> Memory:
    """Measure the peak of one explained batch."""
    torch.cuda.reset_peak_memory_stats(images.device)
    before = torch.cuda.memory_allocated(images.device)
    FIDOAttribution(model).attribute(images, target=0, n_iterations=2, internal_batch_size=cap)
    return Memory(name, len(images), cap, torch.cuda.max_memory_allocated(images.device) - before)


def run(options: argparse.Namespace) -> tuple[list[Cost], list[Memory]]:
    """Measure all networks and batch sizes."""
    costs, peaks = [], []
    for name in options.networks:
        model = network(name, options)
        for batch in options.batches:
            images = torch.randn((batch, 3, options.size, options.size), device=options.device)
            costs.append(measure(name, model, images, options.iterations, options.repeats, options.rows))
            print(f"{name}, batch {batch}: ratio {costs[-1].ratio:.3f}", file=sys.stderr)
            if options.device.type == "cuda":
                peaks += [memory(name, model, images, cap) for cap in CAPS]
    return costs, peaks


def network(name: str, options: argparse.Namespace) -> nn.Module:
    """A frozen network on its device; random weights serve for speed."""
    model = resnet50() if name == "resnet50" else load_network(options.data)
    return model.eval().requires_grad_(False).to(options.device)


def table(costs: Sequence[Cost], peaks: Sequence[Memory]) -> str:
    """Times and passes, and below them memory where it was measured, as Markdown."""
    header = (
        "network",
        "images",
        "forwards",
        "with backward",
        "FIDO, s",
        "bare, s",
        "ratio ↓",
        "images a minute",
    )
    parts = [markdown(header, map(_cells, costs))]
    if peaks:
        rows = [(p.network, f"{p.batch}", f"{p.internal_batch_size}", f"{p.peak / 2**20:.0f}") for p in peaks]
        parts.append(markdown(("network", "images", "`internal_batch_size`", "peak, MiB"), rows))
    return "\n\n".join(parts)


def _cells(c: Cost) -> tuple[str, ...]:
    times = f"{c.fido:.2f}", f"{c.bare:.2f}", f"{c.ratio:.3f}", f"{60 * c.batch / c.fido:.1f}"
    return c.network, f"{c.batch}", f"{c.forward:.0f}", f"{c.backward:.0f}", *times


def report(costs: Sequence[Cost], peaks: Sequence[Memory], options: argparse.Namespace) -> str:
    """All values, and what they depend on, as JSON."""
    return json.dumps(
        {
            "settings": {name: str(value) for name, value in vars(options).items()},
            "versions": versions(),
            "costs": [asdict(cost) for cost in costs],
            "memory": [asdict(peak) for peak in peaks],
        },
        indent=1,
    )


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_with_data(__doc__)
    parser.add_argument(
        "--networks", type=names_of("network", NETWORKS), default=list(NETWORKS), help=",".join(NETWORKS)
    )
    parser.add_argument(
        "--batches", type=whole_number(1), nargs="+", default=[1, 8], help="images explained at once (1 8)"
    )
    parser.add_argument("--rows", type=whole_number(1), help="`internal_batch_size` (the library's default)")
    parser.add_argument("--iterations", type=whole_number(1), default=60, help="of FIDO (%(default)s)")
    parser.add_argument("--repeats", type=whole_number(1), default=3, help="pairs (%(default)s)")
    parser.add_argument("--size", type=whole_number(1), default=224, help="in pixels (%(default)s)")
    parser.add_argument("--device", type=torch.device, default=torch.device("cpu"), help="%(default)s")
    parser.add_argument("--json", type=Path, default=Path("out/speed.json"), help="%(default)s")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if "squeezenet" in options.networks and not (options.data / "squeezenet.py").is_file():
        print(f"Expected squeezenet.py in {options.data}; see --data and --networks.", file=sys.stderr)
        return 2
    costs, peaks = run(options)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(report(costs, peaks, options) + "\n")
    print(f"{table(costs, peaks)}\n\nvalues in {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
