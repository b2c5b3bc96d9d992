"""The best of several pairs of masks, on a network whose telling region is known."""

import torch
from models import PlantedPatch
from torch import Tensor

from captum_scd.composites import Composites
from captum_scd.forward import make_query
from captum_scd.grid import make_grid
from captum_scd.objective import log_odds
from captum_scd.passes import counted
from captum_scd.selection import HARDLY, LADDER, best, best_region, chosen, gain
from captum_scd.trials import Trials


def trials(model: PlantedPatch, count: int = 1) -> Trials:
    images = torch.full((count, 1, 10, 12), 0.9)
    query = make_query(model, (images,), 0)
    score = lambda output, examples: log_odds(output, query.targets(examples))  # noqa: E731
    grid = make_grid((images,), mask_size=(10, 12))
    return Trials([Composites((images,), (torch.zeros_like(images),), query, score, grid)], torch.sigmoid)


def orders() -> tuple[Tensor, Tensor]:
    """Logits (2, 120): a random order, and one that begins with the planted patch."""
    noise = torch.rand(120, generator=torch.Generator().manual_seed(0))
    both = torch.stack([noise, noise + 5 * PlantedPatch.region(10, 12).flatten()])
    return tuple((both - both.mean(1, keepdim=True)) / both.std(1, correction=0, keepdim=True))


def test_the_order_that_begins_with_what_matters_is_best() -> None:
    wrong, right = orders()
    for first, second, place in ((wrong, right, 1), (right, wrong, 0)):
        candidates = torch.stack([first, second]).view(2, 1, 1, -1).expand(-1, 2, -1, -1)
        assert best(trials(PlantedPatch()), candidates).tolist() == [place]


def test_each_example_gets_its_own() -> None:
    wrong, right = orders()
    candidates = torch.stack([torch.stack([wrong, right]), torch.stack([right, wrong])])
    candidates = candidates[:, None].expand(-1, 2, -1, -1)
    positions = best(trials(PlantedPatch(), count=2), candidates)
    assert positions.tolist() == [1, 0]
    assert torch.equal(chosen(candidates, positions), right.expand(2, 2, -1))


def test_of_what_is_alike_the_first_is_taken() -> None:
    model = PlantedPatch()
    trying, one = trials(model), orders()[1].expand(2, 1, -1)
    with counted(model) as passes:
        assert best(trying, torch.stack([-one, one, one])).tolist() == [1]
    assert passes.total == 3 * 2 * len(LADDER)


def test_each_example_gets_the_region_that_suffices_at_the_least_price() -> None:
    wrong, right = orders()
    candidates = torch.stack([torch.stack([wrong, right]), torch.stack([right, wrong])])
    assert best_region(trials(PlantedPatch(), count=2), candidates, 0.7).tolist() == [1, 0]


class Priced:
    """Trials in which each order keeps its own share at every area."""

    def __init__(self, *kept: float) -> None:
        self.kept = iter(kept)

    def shares(self, masks: Tensor, invert: bool) -> Tensor:
        assert not invert
        return torch.full((1, *masks.shape[:2]), next(self.kept))


def test_of_regions_that_are_hardly_worse_the_first_is_taken() -> None:
    candidates = torch.stack(orders())[:, None]
    for above, place in ((0.9 * HARDLY, 0), (1.1 * HARDLY, 1)):
        kept = Priced(0.9, 0.9 * torch.tensor(above).exp().item())
        assert best_region(kept, candidates, 0.7).tolist() == [place]


class Fixed:
    """Trials whose answers are given: by position in the ladder, what is kept and what is left."""

    def __init__(self, kept: Tensor, left: Tensor, grid) -> None:
        self.kept, self.left, self.grid, self.asked = kept, left, grid, 0

    def shares(self, masks: Tensor, invert: bool) -> Tensor:
        self.asked += invert
        answers = (self.left if invert else self.kept)[(self.asked - 1) if invert else self.asked]
        return answers.expand(1, *masks.shape[:2])


def test_of_equal_kept_shares_the_one_that_leaves_less_is_best() -> None:
    grid = trials(PlantedPatch()).grid
    for left, place in (([0.6, 0.2], 1), ([0.2, 0.6], 0)):
        fixed = Fixed(torch.tensor([0.9, 0.9]), torch.tensor(left), grid)
        assert best(fixed, torch.stack(orders()).view(2, 1, 1, -1).expand(-1, 2, -1, -1)).tolist() == [place]


def test_of_equal_left_shares_the_one_that_keeps_more_is_best() -> None:
    grid = trials(PlantedPatch()).grid
    for kept, place in (([0.5, 0.9], 1), ([0.9, 0.5], 0)):
        fixed = Fixed(torch.tensor(kept), torch.tensor([0.1, 0.1]), grid)
        assert best(fixed, torch.stack(orders()).view(2, 1, 1, -1).expand(-1, 2, -1, -1)).tolist() == [place]


def test_the_gain_is_the_area_between_both_curves() -> None:
    """With all kept and nothing left at every area that is tried, only the ends are not known."""
    grid = trials(PlantedPatch()).grid
    fixed = Fixed(torch.ones(1), torch.zeros(1), grid)
    first, last = LADDER[0], 1 - LADDER[-1]
    expected = first * (-1 + 1) / 2 + (LADDER[-1] - first) + last * (1 + 1) / 2
    torch.testing.assert_close(gain(fixed, orders()[0][None]), torch.tensor([expected]))


def test_where_the_ladder_sees_no_difference_a_price_on_variation_decides() -> None:
    noise, region = orders()[0], PlantedPatch.region(10, 12).flatten().float()
    smooth = (region - region.mean()) / region.std(correction=0)
    candidates = torch.stack([noise, smooth]).view(2, 1, 1, -1).expand(-1, 2, -1, -1)
    grid = trials(PlantedPatch()).grid
    for weight, place in ((0.0, 0), (0.5, 1)):
        fixed = Fixed(torch.ones(2), torch.zeros(2), grid)
        assert best(fixed, candidates, weight).tolist() == [place]
