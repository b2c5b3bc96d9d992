"""The loop, on slopes and parabolas whose answer is known."""

import pytest
import torch
from torch import Tensor

from captum_scd.optimization import Evaluation, Schedule, levels, minimize, normalized

MINIMUM = torch.tensor([0.5, -1.0, 2.0])


class Parabolas:
    """One parabola an example, which notes where and of what it is asked."""

    def __init__(self, minimum: Tensor = MINIMUM) -> None:
        self.minimum = minimum
        self.asked: list[tuple[int, Tensor, list[bool]]] = []

    def __call__(self, step: int, parameters: Tensor, flat: Tensor) -> Evaluation:
        self.asked.append((step, parameters.clone(), flat.tolist()))
        distance = parameters - self.minimum[None, :, None]
        return Evaluation(2 * distance, {"loss": distance.pow(2).sum((0, 2))})


def schedule(n_iterations: int = 12, rate: float = 0.5, n_rounds: int = 3) -> Schedule:
    return Schedule(n_iterations, rate, n_rounds, survey=0.5)


def minimized(closure, count: int = 3, plan: Schedule | None = None, **options):
    start = torch.zeros(2, count, 4)
    found = minimize(closure, start, plan or schedule(), **options)
    assert torch.equal(start, torch.zeros_like(start))
    return found


def test_the_survey_moves_each_example_by_one_against_its_slope() -> None:
    learned, surveyed, _ = minimized(Parabolas())
    torch.testing.assert_close(surveyed, MINIMUM.sign()[None, :, None].expand(2, 3, 4))
    assert learned.shape == surveyed.shape


def test_a_round_moves_by_the_learning_rate_from_where_it_was() -> None:
    parabolas = Parabolas(torch.tensor([10.0, -10.0, 10.0]))
    learned, _, _ = minimized(parabolas, plan=schedule(rate=0.25))
    places = [asked[1][0, :, 0] for asked in parabolas.asked]
    sign = torch.tensor([1.0, -1.0, 1.0])
    for step, place in enumerate(places):
        moved = 0.0 if step < 6 else 1 + 0.25 * ((step - 6) // 2)
        torch.testing.assert_close(place, sign * moved)
    torch.testing.assert_close(learned[0, :, 0], sign * 1.75)


def test_the_gradients_of_a_round_are_added_up() -> None:
    """Three cells are pushed in turn; a move against their sum is equal in all of them."""
    turn = torch.eye(3)

    def pushed(step: int, parameters: Tensor, flat: Tensor) -> Evaluation:
        return Evaluation(turn[step % 3].expand_as(parameters), {})

    plan = Schedule(6, 0.5, n_rounds=1, survey=0.5)
    learned, surveyed, _ = minimize(pushed, torch.zeros(1, 1, 3), plan)
    torch.testing.assert_close(surveyed, -torch.ones(1, 1, 3))
    torch.testing.assert_close(learned, -1.5 * torch.ones(1, 1, 3))


def test_kinds_of_steps_count_alike_however_steep_they_are() -> None:
    """Even steps push one cell far, odd ones another a little, and a third stays."""
    pushes = torch.tensor([[1000.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

    def pushed(step: int, parameters: Tensor, flat: Tensor) -> Evaluation:
        return Evaluation(pushes[step % 2].expand_as(parameters), {})

    for kinds, ratio in ((1, 0.001), (2, 1.0)):
        plan = Schedule(8, 0.5, n_rounds=1, survey=0.5, n_kinds=kinds)
        learned, surveyed, _ = minimize(pushed, torch.zeros(1, 2, 3), plan)
        for moved in (surveyed, learned - surveyed):
            torch.testing.assert_close(moved[0, :, 1], ratio * moved[0, :, 0])
            torch.testing.assert_close(moved[0, :, 2], torch.zeros(2))
        torch.testing.assert_close(surveyed.pow(2).mean(-1), torch.ones(1, 2))


def test_what_has_settled_goes_on_with_its_survey() -> None:
    settled = torch.tensor([True, False, True])
    parabolas = Parabolas(torch.tensor([10.0, -10.0, 10.0]))
    learned, surveyed, _ = minimized(parabolas, settled=lambda surveyed: settled)
    assert [asked[2] for asked in parabolas.asked] == [[True] * 3] * 6 + [settled.tolist()] * 6
    assert learned[:, settled].pow(2).mean(-1).sqrt().allclose(torch.ones(2, 2))
    assert not learned[:, 1].equal(surveyed[:, 1])


def test_a_settled_example_weighs_all_its_steps_alike() -> None:
    def pushed(step: int, parameters: Tensor, flat: Tensor) -> Evaluation:
        return Evaluation(torch.eye(4)[step].expand_as(parameters), {})

    plan = Schedule(4, 1.0, n_rounds=2, survey=0.5)
    everything = lambda surveyed: torch.ones(1, dtype=torch.bool)  # noqa: E731
    learned, surveyed, _ = minimize(pushed, torch.zeros(1, 1, 4), plan, settled=everything)
    torch.testing.assert_close(learned, -torch.ones(1, 1, 4))
    torch.testing.assert_close(surveyed[0, 0], -torch.tensor([1.0, 1.0, 0.0, 0.0]) * 2**0.5)


def test_an_example_learns_the_same_alone_and_in_company() -> None:
    together, _, history = minimized(Parabolas())
    for i in range(3):
        alone, _, own = minimized(Parabolas(MINIMUM[i : i + 1]), count=1)
        assert torch.equal(alone[:, 0], together[:, i])
        torch.testing.assert_close(own[-1]["loss"][0], history[-1]["loss"][i])


def test_without_rounds_nothing_is_asked_and_the_survey_is_the_result() -> None:
    def never(surveyed: Tensor) -> Tensor:
        raise AssertionError

    learned, surveyed, history = minimized(Parabolas(), plan=schedule(rate=0.0), settled=never)
    assert torch.equal(learned, surveyed)
    assert len(history) == 12


def test_the_callback_counts_every_step_and_sees_what_would_be_returned() -> None:
    seen: list[tuple[int, Tensor]] = []
    learned, surveyed, history = minimized(
        Parabolas(), callback=lambda step, now: seen.append((step, now.clone()))
    )
    assert [step for step, _ in seen] == list(range(1, 13))
    assert len(history) == 12
    assert torch.equal(seen[-1][1], learned)
    assert torch.equal(seen[5][1], surveyed)


@pytest.mark.parametrize("n_iterations", [1, 2, 3, 5, 30])
@pytest.mark.parametrize("n_rounds", [1, 2, 4])
def test_every_step_is_taken_and_no_round_is_empty(n_iterations: int, n_rounds: int) -> None:
    lengths = Schedule(n_iterations, 1.0, n_rounds, survey=1 / 3).lengths()
    assert sum(lengths) == n_iterations
    assert min(lengths) > 0
    assert max(lengths[1:], default=0) - min(lengths[1:], default=0) <= 1
    assert lengths[0] == max(1, round(n_iterations / 3))


def test_normalized_has_a_mean_square_of_one_and_keeps_zero() -> None:
    values = torch.tensor([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]])
    torch.testing.assert_close(
        normalized(values), torch.tensor([[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]]) * 2**0.5
    )


def test_levels_are_the_quarters_of_each_example() -> None:
    draw = torch.randn(3, 400, generator=torch.Generator().manual_seed(0))
    found = levels(draw)
    middles = torch.special.ndtri(torch.tensor([0.125, 0.375, 0.625, 0.875]))
    torch.testing.assert_close(found.unique(), middles)
    for row, level in zip(draw, found, strict=True):
        assert all(96 <= int((level == one).sum()) <= 104 for one in found.unique())
        assert torch.equal(level[row.argsort()], level.sort().values)


def test_round_off_does_not_change_the_levels() -> None:
    draw = torch.randn(1, 1000, generator=torch.Generator().manual_seed(1))
    noise = 1 + 1e-6 * torch.randn(1, 1000, generator=torch.Generator().manual_seed(2))
    assert torch.equal(levels(draw), levels(draw * noise))
    assert levels(torch.ones(1, 1000) * noise).unique().numel() == 1
    halves = torch.tensor([1.0, 3.0]).repeat_interleave(500)[None]
    assert torch.equal(levels(halves * noise), levels(halves))


def test_levels_of_nothing_or_of_one_cell_are_flat() -> None:
    assert levels(torch.zeros(2, 5)).unique().numel() == 1
    assert levels(torch.ones(2, 1)).shape == (2, 1)
