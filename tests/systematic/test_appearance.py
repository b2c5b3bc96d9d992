"""What is described is what the mask keeps: colours, texture, nothing else."""

import pytest
import torch

from captum_scd.systematic import appearance

GENERATOR = torch.Generator().manual_seed(0)
LEFT = torch.zeros(8, 8)
LEFT[:, :4] = 1.0


def test_what_lies_below_the_cut_does_not_count():
    one, other = torch.rand(2, 3, 8, 8, generator=GENERATOR)
    other[:, :, :5] = one[:, :, :5]  # the fifth column is part of the edge at the fourth
    assert torch.equal(appearance(one, LEFT), appearance(other, LEFT + 0.4 * (1 - LEFT)))
    assert not torch.equal(appearance(one, LEFT), appearance(other, torch.ones(8, 8)))


def test_colours_are_means_and_deviations():
    picture = torch.rand(3, 8, 8, generator=GENERATOR)
    red, green, blue = picture[:, :, :4]
    expected = torch.stack([channel.mean() for channel in ((red + green + blue) / 3, red - green)])
    found = appearance(picture, LEFT)
    assert torch.allclose(found[:2], expected)
    assert found[4] == pytest.approx((red - green).std(correction=0).item(), rel=1e-4)
    assert found[2] == pytest.approx(((red + green) / 2 - blue).mean().item(), abs=1e-6)


def test_stripes_tell_their_direction():
    stripes = torch.tensor([0.0, 1.0]).repeat(4).expand(1, 8, 8)
    across, down = appearance(stripes, LEFT)[6:8].tolist()
    assert (across, down) == (1, 0)
    turned = appearance(stripes.transpose(1, 2), LEFT.T)[6:8].tolist()
    assert turned == [0, 1]


def test_a_flat_picture_has_colour_alone_and_no_mask_nothing():
    flat = appearance(torch.full((1, 8, 8), 0.3), LEFT)
    assert flat[0] == pytest.approx(0.3)
    assert flat[1:].abs().max() < 1e-3
    assert not appearance(torch.rand(3, 8, 8), torch.zeros(8, 8)).any()


@pytest.mark.parametrize("shape", [(3, 8, 9), (2, 8, 8), (8, 8)])
def test_pictures_fit_their_maps(shape):
    with pytest.raises(ValueError, match="Expected `picture`"):
        appearance(torch.zeros(shape), LEFT)
