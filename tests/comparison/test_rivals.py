"""Black boxes find a planted region, cost what they say, and repeat themselves by seed."""

import pytest
import torch
from torch import Tensor, nn

from captum_scd import compare
from captum_scd.comparison import DEFAULT_METHODS
from captum_scd.comparison.rivals import PASSES

RIVALS = ["rise", "sobol", "hsic", "greedy"]
CHEAP = {"metrics": ["total_variation"], "baselines": 0.0}


class Corner(nn.Module):
    """The logit of class 0 is the mean of a block of 4 x 4 of 14 x 14 pixels."""

    def forward(self, x: Tensor) -> Tensor:
        logit = 5 * x[..., 2:6, 8:12].flatten(1).mean(1)
        return torch.stack([logit, torch.zeros_like(logit)], dim=1)


@pytest.mark.parametrize("name", RIVALS)
def test_a_planted_region_wins_for_no_more_than_the_budget(name: str) -> None:
    images = torch.ones(2, 1, 14, 14)
    row = compare(Corner().eval(), images, 0, [name], **CHEAP).rows[name]
    assert row.status == "done", row.note
    inside = row.map[..., 2:6, 8:12].mean((1, 2, 3))
    outside = row.map.clone()
    outside[..., 1:7, 7:13] = -torch.inf
    assert (inside > outside.amax((1, 2, 3))).all()
    assert 0.85 * PASSES < row.cost.forward <= PASSES
    assert row.cost.backward == 0
    assert f"at most {PASSES}" in row.note


@pytest.mark.parametrize("name", RIVALS)
def test_the_seed_and_not_the_batch_decides(net, images: Tensor, name: str) -> None:
    def found(inputs: Tensor, seed: int = 0, rows: int = 64) -> Tensor:
        return compare(net, inputs, 1, [name], seed=seed, internal_batch_size=rows, **CHEAP).maps[name]

    first = found(images)
    torch.testing.assert_close(found(images, rows=7), first, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found(images[1:2]), first[1:2], rtol=1e-3, atol=1e-5)
    assert name == "greedy" or not torch.equal(found(images, seed=1), first)


def test_they_are_too_dear_for_the_default() -> None:
    assert not set(RIVALS) & set(DEFAULT_METHODS)


@pytest.mark.parametrize("name", RIVALS)
def test_a_model_that_never_changes_its_mind_gets_a_finite_map(images: Tensor, name: str) -> None:
    row = compare(lambda x: torch.ones(len(x), 5), images, 1, [name], **CHEAP).rows[name]
    assert row.status == "done", row.note
    assert row.map.isfinite().all()
