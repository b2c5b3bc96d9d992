"""One explanation from start to end: learn, choose, cut, and say how far it can be trusted."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from captum_scd.calibration import Order, bargain, calibrate, recut
from captum_scd.learning import BLENDS, SDR, SSR, MaskLearning, finished
from captum_scd.optimization import Schedule, minimize
from captum_scd.selection import best, best_region, chosen
from captum_scd.settings import Settings
from captum_scd.trajectory import Trajectory
from captum_scd.trials import Trials
from captum_scd.verdict import INFILL_ALONE, LEAVES, LEAVES_OF_SPAN, Verdict, judged

CLEAR = 0.3
"""Loss in nats, of both cut masks together, up to which a survey needs no rounds: it goes on instead."""

SURVEY = 1 / 3
"""Share of the iterations that the survey takes."""

ROUNDS = 4
"""Rounds that share the rest: the more, the smaller the regions, and the more the seed decides."""

CANDIDATES = ("rounds", "survey")
"""What competes; of what is alike the first wins."""


@dataclass(frozen=True)
class Explanation:
    """What was found.

    Attributes:
        cells: (2, N, cells) masks in [0, 1], SSR first; 0 where nothing depends on the input.
        history: for each step, measures (N,).
        frames: (frames, 2, N, cells) how the masks formed.
        agreement: (N, cells) share of the starts whose SSR holds a cell; None for one start.
        verdicts: one per example.
        winners: what was chosen for each example, one of `BLENDS` and one of `CANDIDATES`: "fine rounds";
            "survey" also where an example had no rounds.
    """

    cells: Tensor
    history: dict[str, Tensor]
    frames: Tensor
    agreement: Tensor | None
    verdicts: tuple[Verdict, ...]
    winners: list[str]


def explain(
    learning: MaskLearning,
    trials: Trials,
    second: Trials | None,
    another: str,
    settings: Settings,
    watch: Callable[[int], None],
) -> Explanation:
    """Learn the masks of a batch, choose and cut them, and put them to the test.

    Args:
        learning: what is learned.
        trials: asks the model, under the infills that are learned with.
        second: asks it under another infill; None where there is none.
        another: name of the infill that regions are tested with beside the first.
        settings: of the run.
        watch: is told the number of steps done.

    Raises:
        ValueError: for outputs or gradients that are not finite.
    """
    trajectory, own = Trajectory(settings.trajectory), trials.of_first_infill()
    refined = torch.zeros_like(trials.examples, dtype=torch.bool)

    def clear(surveyed: Tensor) -> Tensor:
        loss = bargain(own, learning.orders(surveyed), settings.area_weight)
        settled = loss <= CLEAR
        refined.copy_(~settled)
        return settled.repeat(learning.n_starts)

    def note(step: int, logits: Tensor) -> None:
        trajectory(step, logits)
        watch(step)

    kinds = len(learning.composites)
    schedule = Schedule(settings.n_iterations, settings.learning_rate, ROUNDS, SURVEY, kinds)
    learned, surveyed, history = minimize(learning, learning.start(), schedule, clear, note)
    if not learned.isfinite().all():
        raise ValueError("Expected finite outputs and gradients of the model, but got NaN or infinity.")
    position = _better(learning, trials, learned, surveyed, settings.tv_weight)
    logits = chosen(torch.stack([learned, surveyed]), position.repeat(learning.n_starts))
    depends = learning.start_of(logits).abs().amax((0, 1, 3)) > 0
    blends = best_region(own, learning.regions(logits), settings.area_weight)
    cells = calibrate(own, _order(learning, logits, blends), settings.area_weight) * depends[:, None]
    frames = trajectory.frames(lambda noted: _order(learning, noted, blends), cells, len(history))
    regions = _regions(learning, logits, blends, cells)
    return Explanation(
        cells,
        {name: torch.stack([record[name] for record in history]) for name in history[0]},
        frames,
        None if learning.n_starts == 1 else regions.float().mean(0) * depends[:, None],
        _verdicts(trials, second, another, cells, _overlap(regions), depends),
        _winners(blends, torch.where(refined, position, 1)),
    )


def _better(
    learning: MaskLearning, trials: Trials, learned: Tensor, surveyed: Tensor, tv_weight: float
) -> Tensor:
    """Which of both serves an example better, (N,); nothing is asked where there were no rounds."""
    if torch.equal(learned, surveyed):
        return torch.zeros_like(trials.examples)
    return best(trials, torch.stack([learning.orders(learned), learning.orders(surveyed)]), tv_weight)


def _winners(blends: Tensor, position: Tensor) -> list[str]:
    """Name what was chosen for each example."""
    names = tuple(BLENDS)
    pairs = zip(blends.tolist(), position.tolist(), strict=True)
    return [f"{names[blend]} {CANDIDATES[place]}" for blend, place in pairs]


def _order(learning: MaskLearning, logits: Tensor, blends: Tensor) -> Order:
    """What is learned, with the finest of it as the details."""
    return Order(learning.orders(logits, blends), learning.start_of(logits).mean(1).sum(0))


def _regions(learning: MaskLearning, logits: Tensor, blends: Tensor, cells: Tensor) -> Tensor:
    """SSR of each start, cut to the area of the finished one, (starts, N, cells)."""
    found = []
    for one in learning.start_of(logits).unbind(1):
        order = Order(finished(learning.grid, one, blends), one.sum(0))
        found.append(recut(order, cells)[SSR] >= 0.5)
    return torch.stack(found)


def _overlap(regions: Tensor) -> Tensor:
    """Intersection over union (N,), averaged over the pairs of starts; NaN for one start."""
    pairs = [
        (one & other).sum(-1) / (one | other).sum(-1).clamp(min=1) for one, other in combinations(regions, 2)
    ]
    if not pairs:
        return torch.full(regions.shape[1:2], float("nan"), dtype=torch.float32, device=regions.device)
    return torch.stack(pairs).mean(0)


def _verdicts(
    trials: Trials, second: Trials | None, another: str, cells: Tensor, overlap: Tensor, depends: Tensor
) -> tuple[Verdict, ...]:
    """Put finished masks to the test, and judge each example."""
    alone = trials.alone if second is None else torch.cat([trials.alone, second.alone])
    spares = [another if one < INFILL_ALONE else "" for one in alone[:2][-1].tolist()]
    keeps = trials.shares(cells[SSR][:, None], invert=False)[..., 0]
    leaves = trials.shares(cells[SDR][:, None], invert=True)[0, :, 0]
    unknown = torch.full_like(leaves, float("nan"))
    other = unknown if second is None else second.shares(cells[SSR][:, None], invert=False)[0, :, 0]
    measured = (keeps[0], leaves, alone[0], overlap, keeps[1] if len(keeps) > 1 else other)
    most_left = torch.full_like(leaves.double(), LEAVES_OF_SPAN if trials.amount is None else LEAVES)
    rows = zip(*(one.tolist() for one in (*measured, depends, trials.led, most_left)), spares, strict=True)
    return tuple(judged(*row) for row in rows)
