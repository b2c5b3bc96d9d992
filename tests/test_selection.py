"""The best of several pairs of masks, on a network whose telling region is known."""

import torch
from models import PlantedPatch
from torch import Tensor

from captum_scd.composites import Composites
from captum_scd.forward import make_query
from captum_scd.grid import make_grid
from captum_scd.objective import log_odds
from captum_scd.passes import counted
from captum_scd.selection import LADDER, best, chosen
from captum_scd.trials import Trials


def trials(model: PlantedPatch, count: int = 1) -> Trials:
    images = torch.full((count, 1, 10, 12), 0.9)
    query = make_query(model, (images,), 0)
    score = lambda output, examples: log_odds(output, query.targets(examples))  # noqa: E731
    grid = make_grid((images,), mask_size=(10, 12))
    return Trials(Composites((images,), (torch.zeros_like(images),), query, score, grid), torch.sigmoid)


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
