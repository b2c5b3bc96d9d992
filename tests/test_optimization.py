"""The loop, on parabolas whose minimum is known."""

from functools import partial

import pytest
import torch
from torch import Tensor

from captum_scd import optimization
from captum_scd.optimization import Evaluation, Schedule, minimize

MINIMUM = torch.tensor([0.5, -1.0, 2.0])


class Parabolas:
    """One parabola an example, with the examples asked for noted in each step."""

    def __init__(self, minimum: Tensor = MINIMUM) -> None:
        self.minimum = minimum
        self.asked: list[list[int]] = []

    def __call__(self, step: int, parameters: Tensor, active: Tensor) -> Evaluation:
        self.asked.append(active.tolist())
        distance = parameters - self.minimum[active][None, :, None]
        return Evaluation(2 * distance, {"loss": distance.pow(2).sum((0, 2))})


def _minimize(minimum: Tensor = MINIMUM, n_iterations: int = 80, tolerance: float = 0.0, **options):
    parabolas = Parabolas(minimum)
    start = torch.zeros(2, len(minimum), 4)
    learned, history = minimize(parabolas, start, Schedule(n_iterations, 0.3, tolerance), **options)
    assert torch.equal(start, torch.zeros_like(start))
    return learned, history, parabolas.asked


def test_each_example_reaches_its_minimum() -> None:
    learned, history, _ = _minimize()
    start = MINIMUM.pow(2) * learned.shape[0] * learned.shape[2]
    assert ((learned - MINIMUM[None, :, None]).pow(2).sum((0, 2)) < 0.02 * start).all()
    assert len(history) == 80
    assert (history[-1]["loss"] < 0.01).all()


def test_an_example_learns_the_same_alone_and_in_company() -> None:
    together, history, _ = _minimize(tolerance=1e-3)
    for i in range(3):
        alone, own, _ = _minimize(MINIMUM[i : i + 1], tolerance=1e-3)
        assert torch.equal(alone[:, 0], together[:, i])
        torch.testing.assert_close(own[-1]["loss"][0], history[-1]["loss"][i])


def test_a_still_example_leaves_and_the_others_go_on() -> None:
    learned, history, asked = _minimize(torch.tensor([0.0, 2.0]), tolerance=1e-3)
    assert asked[0] == [0, 1]
    assert asked[5] == [1]
    assert (learned[:, 0] == 0).all()
    assert (learned[:, 1] - 2).abs().max() < 0.2
    assert [record["loss"].shape for record in history] == [(2,)] * len(asked)


def test_without_tolerance_every_step_is_taken() -> None:
    assert len(_minimize(torch.zeros(1), n_iterations=9)[2]) == 9


def test_the_callback_counts_up_to_the_end_also_when_stopped_early() -> None:
    for tolerance in (0.0, 1.0):
        calls: list[tuple[int, Tensor]] = []
        _minimize(n_iterations=20, tolerance=tolerance, callback=partial(_note, calls))
        steps = [step for step, _ in calls]
        assert steps == sorted(steps)
        assert steps[-1] == 20


def _note(calls: list[tuple[int, Tensor]], step: int, parameters: Tensor) -> None:
    calls.append((step, parameters))


class Constant(Schedule):
    """A schedule whose steps do not depend on how many there are."""

    def rate(self, step: int) -> float:
        return self.learning_rate


def test_the_callback_sees_what_would_be_returned_if_the_run_ended_there() -> None:
    start, seen = torch.zeros(2, 3, 4), []
    minimize(Parabolas(), start, Constant(6, 0.3), lambda _, now: seen.append(now.clone()))
    for n in range(1, 7):
        assert torch.equal(minimize(Parabolas(), start, Constant(n, 0.3))[0], seen[n - 1])


def test_the_learning_rate_falls_from_its_start_to_almost_zero() -> None:
    rates = [Schedule(10, 0.3).rate(step) for step in range(10)]
    assert rates[0] == 0.3
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.03


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_steps_grow_to_the_learning_rate_where_gradients_agree(
    momentum: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimization, "MOMENTUM", momentum)
    seen = []

    def slope(step: int, parameters: Tensor, active: Tensor) -> Evaluation:
        seen.append(parameters[0, 0, 0].item())
        return Evaluation(torch.ones_like(parameters), {})

    schedule = Schedule(20, 0.3)
    minimize(slope, torch.zeros(1, 1, 2), schedule)
    steps = -torch.tensor(seen).diff()
    expected = torch.tensor([schedule.rate(step) * (1 - momentum ** (step + 1)) for step in range(19)])
    torch.testing.assert_close(steps, expected)
