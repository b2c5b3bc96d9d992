"""How small and how smooth."""

import pytest
import torch

from captum_scd.metrics import area, total_variation


def test_area_is_the_mean_of_each_mask() -> None:
    masks = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 1.0, 0.0]]).view(2, 1, 2, 2)
    assert area(masks).tolist() == [0.25, 0.5]
    assert area(masks > 0.4).tolist() == [0.25, 0.75]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_area_is_of_masks_only(value: float) -> None:
    with pytest.raises(ValueError, match=r"Expected a mask in \[0, 1\]"):
        area(torch.tensor([[0.5, value]]))


def test_total_variation_is_that_of_the_grid() -> None:
    assert total_variation(torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])).tolist() == [1]
    assert total_variation(torch.ones(2, 1, 4, 4)).tolist() == [0, 0]
