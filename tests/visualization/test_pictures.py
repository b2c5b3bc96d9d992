"""Tensors to pictures."""

import numpy as np
import pytest
import torch

from captum_scd import visualization

IMAGE = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(0))


def test_denormalize_inverts_and_clips():
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.2, 0.1)
    scaled = (IMAGE[None] - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(visualization.denormalize(scaled, mean, std)[0], IMAGE)
    assert visualization.denormalize(scaled * 100, mean, std).max() <= 1


def test_overlay_is_grey_without_and_bright_with_the_mask():
    ramp = visualization.overlay(torch.full((3, 1, 3), 0.5), torch.tensor([[[0.0, 1.0, float("nan")]]]))
    np.testing.assert_allclose(ramp[0, 0], 0.3)
    np.testing.assert_allclose(ramp[0, 2], 0.3)
    assert ramp[0, 1].mean() > 0.7


@pytest.mark.parametrize("mean", [(0.5,), (0.5, 0.5)])
def test_a_normalisation_of_other_channels_is_rejected(mean) -> None:
    with pytest.raises(ValueError, match=r"Expected `inputs` of shape .*, but got"):
        visualization.denormalize(IMAGE[None], mean, mean)


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (IMAGE[None], IMAGE[:1], "`image` of shape"),
        (IMAGE[:2], IMAGE[:1], "`image` of shape"),
        (IMAGE - 0.5, IMAGE[:1], r"`image` in \[0, 1\]"),
        (IMAGE * torch.nan, IMAGE[:1], r"`image` in \[0, 1\]"),
        (IMAGE, IMAGE, r"`mask` of shape \(1, 6, 6\)"),
        (IMAGE, IMAGE[0], r"`mask` of shape \(1, 6, 6\)"),
    ],
)
def test_pictures_that_do_not_fit_are_answered_in_one_sentence(image, mask, message: str) -> None:
    with pytest.raises(ValueError, match=f"Expected {message}.*, but got"):
        visualization.overlay(image, mask)
