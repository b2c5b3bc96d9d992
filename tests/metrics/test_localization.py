"""Pointing games, by hand."""

import pytest
import torch

from captum_scd.metrics import energy_pointing_game

LEFT = torch.tensor([[[[True, False]]]])


@pytest.mark.parametrize(
    ("values", "region", "share"),
    [
        ([3.0, 1.0], LEFT, 0.75),
        ([1.0, 0.0], LEFT, 1.0),
        ([0.0, 2.0], LEFT, 0.0),
        ([0.0, 0.0], LEFT, 0.0),
        ([1.0, -5.0], LEFT, 1.0),
        ([-1.0, -5.0], LEFT, 0.0),
        ([1.0, 1.0], torch.ones(1, 1, 1, 2), 1.0),
        ([1.0, 1.0], torch.tensor([[[[0.5, 0.0]]]]), 0.25),
    ],
)
def test_share_of_the_energy_inside(values: list[float], region, share: float) -> None:
    assert energy_pointing_game(torch.tensor(values).view(1, 1, 1, 2), region).tolist() == [share]


def test_channels_are_summed_before_negative_values_are_dropped() -> None:
    attributions = torch.tensor([[[[3.0, 1.0]], [[-1.0, 1.0]]]])
    assert energy_pointing_game(attributions, LEFT).tolist() == [0.5]


def test_regions_are_shared_by_the_batch_or_one_each() -> None:
    attributions = torch.tensor([3.0, 1.0]).expand(2, 1, 1, 2)
    assert energy_pointing_game(attributions, LEFT).tolist() == [0.75, 0.75]
    assert energy_pointing_game(attributions, torch.cat([LEFT, ~LEFT])).tolist() == [0.75, 0.25]


def test_a_region_of_several_channels_is_their_union() -> None:
    attributions = torch.tensor([[[[1.0, 1.0, 2.0]]]])
    region = torch.tensor([[[[True, False, False]], [[False, True, False]]]])
    assert energy_pointing_game(attributions, region).tolist() == [0.5]


def test_the_scale_of_a_map_does_not_matter() -> None:
    attributions = torch.rand(2, 3, 5, 5)
    region = torch.rand(2, 1, 5, 5) > 0.5
    torch.testing.assert_close(
        energy_pointing_game(9 * attributions, region), energy_pointing_game(attributions, region)
    )


@pytest.mark.parametrize("shape", [(1, 1, 2, 1), (3, 1, 1, 2), (1, 1, 1, 3)], ids=str)
def test_a_region_that_does_not_fit_is_rejected(shape) -> None:
    with pytest.raises(ValueError, match="Expected a region that fits maps of shape"):
        energy_pointing_game(torch.ones(2, 1, 1, 2), torch.ones(shape))
