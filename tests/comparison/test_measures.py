"""Every metric that `compare` knows by name: one number per image, and the truth is better than chance."""

import pytest
import torch
from models import PlantedPatch
from planted import ORACLE
from torch import Tensor

from captum_scd import compare
from captum_scd.comparison import MEASURES


def truth(inputs: Tensor) -> Tensor:
    return ORACLE


def chance(inputs: Tensor) -> Tensor:
    return torch.rand(ORACLE.shape)


@pytest.mark.parametrize("name", [name for name in MEASURES if name != "difference_tokens"])
def test_the_truth_is_better_than_chance_in_the_direction_that_is_said(name: str) -> None:
    comparison = compare(PlantedPatch().eval(), ORACLE, 0, [truth, chance], [name], baselines=0.0)
    best, worst = (comparison.rows[method].values[name] for method in ("truth", "chance"))
    assert best.shape == worst.shape == (len(ORACLE),)
    assert (best > worst if MEASURES[name].better == "higher" else best < worst).all()
