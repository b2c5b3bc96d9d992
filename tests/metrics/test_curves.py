"""Curves of models whose answer is known in closed form."""

import pytest
import torch
from models import Additive, PlantedPatch, Watched
from planted import HEIGHT, ORACLE, SHARE, WHITE, WIDTH, random
from torch import Tensor

from captum_scd.metrics import insertion_deletion, road


def test_curves_of_an_additive_model_are_sigmoids_of_partial_sums() -> None:
    inputs = torch.tensor([[3.0, -1.0, 0.5, 2.0]])
    baseline = torch.tensor([[0.5, 0.5, 0.0, -1.0]])
    order = [3, 0, 1, 2]
    attributions = torch.tensor([[3.0, 2.0, 1.0, 4.0]])
    steps = [[i in order[:k] for i in range(4)] for k in range(5)]
    enter, leave = torch.tensor(steps), ~torch.tensor(steps)
    whole = torch.sigmoid(inputs.sum())
    curves = [
        (torch.sigmoid(torch.where(kept, inputs, baseline).sum(1)) / whole).clamp(max=1)
        for kept in (enter, leave)
    ]
    result = insertion_deletion(Additive(), inputs, attributions, baseline, target=0, n_steps=4)
    torch.testing.assert_close(result.insertion_curve[0], curves[0])
    torch.testing.assert_close(result.deletion_curve[0], curves[1])
    torch.testing.assert_close(result.shares, torch.linspace(0, 1, 5))


def test_curves_of_a_planted_patch_are_straight_lines() -> None:
    result = insertion_deletion(PlantedPatch(), WHITE, ORACLE, target=0, n_steps=HEIGHT * WIDTH)
    kept = (result.shares / SHARE).clamp(max=1)
    expected = (0.01 + 0.98 * kept) / 0.99
    torch.testing.assert_close(result.insertion_curve, expected.expand(2, -1), rtol=0, atol=1e-4)
    torch.testing.assert_close(
        result.deletion_curve, ((0.01 + 0.98 * (1 - kept)) / 0.99).expand(2, -1), rtol=0, atol=1e-4
    )
    area = 1 - (1 - 0.01 / 0.99) * SHARE / 2
    torch.testing.assert_close(result.insertion, torch.full((2,), area), rtol=0, atol=1e-4)
    torch.testing.assert_close(result.difference, result.insertion - result.deletion)


def test_the_oracle_beats_a_random_map_which_beats_the_reverse() -> None:
    def score(attributions: Tensor) -> float:
        return insertion_deletion(PlantedPatch(), WHITE, attributions, target=0).difference[0].item()

    assert score(ORACLE) > 0.8
    assert abs(score(random(2, 1, HEIGHT, WIDTH))) < 0.2
    assert score(-ORACLE) < -0.8


def test_a_flat_map_ranks_as_chance_does() -> None:
    difference = insertion_deletion(PlantedPatch(), WHITE, torch.zeros_like(WHITE), target=0).difference
    assert difference.abs().max() < 0.3


def test_a_class_without_any_probability_gives_finite_curves() -> None:
    inputs = torch.full((1, 4), 500.0)
    result = insertion_deletion(Additive(), inputs, inputs, target=1)
    assert result.insertion.isfinite().all()
    assert result.deletion.isfinite().all()


@pytest.mark.parametrize(("n_steps", "error"), [(0, ValueError), (2.0, TypeError)])
def test_a_bad_number_of_steps_is_answered_with_its_name(n_steps, error) -> None:
    with pytest.raises(error, match="Expected `n_steps` to be"):
        insertion_deletion(PlantedPatch(), WHITE, ORACLE, target=0, n_steps=n_steps)


def test_by_default_there_are_40_steps_and_64_rows_at_a_time() -> None:
    watched = Watched(lambda x, factor: factor[:, None] * Additive()(x))
    inputs, factors = random(2, 60), torch.tensor([0.5, 2.0])
    result = insertion_deletion(watched, inputs, inputs, target=0, additional_forward_args=factors)
    assert result.insertion_curve.shape == result.deletion_curve.shape == (2, 41)
    assert max(watched.rows) == 64
    whole, nothing = torch.sigmoid(factors * inputs.sum(1)), torch.full((2,), 0.5)
    torch.testing.assert_close(result.insertion_curve[:, 0], nothing / whole)


def test_one_step_leads_from_nothing_to_all() -> None:
    result = insertion_deletion(PlantedPatch(), WHITE, ORACLE, target=0, n_steps=1)
    torch.testing.assert_close(result.insertion_curve, torch.tensor([[0.01 / 0.99, 1.0]]).expand(2, -1))
    torch.testing.assert_close(result.deletion_curve, result.insertion_curve.flip(1))


def test_the_difference_is_the_gain_of_removing_the_least_important_first() -> None:
    model, maps = Additive(), random(1, 6)
    inputs = torch.tensor([[0.5, -1.0, 2.0, 0.25, -0.5, 1.0]])
    mine, reverse = (
        insertion_deletion(model, inputs, order, 0.0, target=0, n_steps=6) for order in (maps, -maps)
    )
    torch.testing.assert_close(mine.difference, reverse.deletion - mine.deletion)


def test_a_bright_patch_that_is_taken_away_is_imputed_from_the_dark_around_it() -> None:
    curves = road(PlantedPatch(), ORACLE, ORACLE, target=0, n_steps=10, noise=0.0)
    nothing = (0.01 + 0.98 * SHARE) / 0.99
    gone = torch.tensor([1.0, *[0.01 / 0.99] * 9, nothing]).expand(2, -1)
    kept = torch.tensor([nothing, *[1.0] * 10]).expand(2, -1)
    torch.testing.assert_close(curves.deletion_curve, gone, rtol=0, atol=1e-3)
    torch.testing.assert_close(curves.insertion_curve, kept, rtol=0, atol=1e-3)


def test_imputed_pixels_are_noisy_by_the_seed() -> None:
    def deletion(noise: float, seed: int) -> Tensor:
        asked = {"target": 0, "n_steps": 4, "noise": noise, "seed": seed}
        return road(PlantedPatch(), ORACLE, ORACLE, **asked).deletion

    assert torch.equal(deletion(0.5, 1), deletion(0.5, 1))
    assert len({deletion(*asked)[0].item() for asked in ((0.0, 0), (0.5, 0), (0.5, 1))}) == 3


def test_no_more_rows_than_allowed_are_imputed_at_once() -> None:
    few, many = (
        road(Watched(PlantedPatch(), most_rows=rows), ORACLE, ORACLE, target=0, internal_batch_size=rows)
        for rows in (3, 64)
    )
    torch.testing.assert_close(few.deletion_curve, many.deletion_curve)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"inputs": torch.rand(2, 5)}, ValueError, "images"),
        ({"noise": -0.1}, ValueError, "noise"),
        ({"noise": "much"}, TypeError, "noise"),
        ({"n_steps": 0}, ValueError, "n_steps"),
        ({"seed": -1}, ValueError, "seed"),
    ],
)
def test_imputation_refuses_what_it_cannot_take(
    changed: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        road(PlantedPatch(), **{"inputs": ORACLE, "attributions": ORACLE, "target": 0, **changed})
