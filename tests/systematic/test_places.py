"""Looks, their places, and the places of other classes."""

import pytest
import torch
from cases import spot

from captum_scd.systematic.places import CELLS, centre, elsewhere, look, share_on, usual_place

GENERATOR = torch.Generator().manual_seed(0)


def test_a_look_keeps_what_reaches_the_cut_and_its_mean():
    joint = torch.rand(2 * CELLS, 3 * CELLS, generator=GENERATOR)
    seen = look(joint, 0.7)
    assert seen.shape == (CELLS, CELLS)
    assert seen.mean() == pytest.approx((joint * (joint >= 0.7)).mean().item(), rel=1e-5)
    assert not look(torch.full((9, 7), 0.4)).any()


def test_images_of_any_size_have_looks_of_one():
    small, large = (look(torch.ones(side, side).triu()) for side in (CELLS, 8 * CELLS))
    assert (small - large).abs().max() <= 0.51


def test_the_share_on_an_object_is_counted_above_the_cut_only():
    joint = torch.tensor([[0.9, 0.1], [0.6, 0.4]])
    assert share_on(joint, torch.tensor([[True, False], [False, True]])) == pytest.approx(0.9 / 1.5)
    assert share_on(torch.full((2, 2), 0.2), torch.ones(2, 2)) is None
    with pytest.raises(ValueError, match="at least one pixel"):
        share_on(joint, torch.zeros(2, 2))
    with pytest.raises(ValueError, match="region that fits"):
        share_on(joint, torch.ones(2, 3))


def test_a_spot_is_where_it_was_put():
    x, y = centre(spot(0.25, 0.75))
    assert (x, y) == pytest.approx((0.75, 0.25), abs=1 / CELLS)
    assert centre(torch.zeros(3, 3)) is None


@pytest.mark.parametrize("mass", [0.1, 0.5, 0.9, 1.0])
def test_the_usual_place_is_the_smallest_that_holds_enough(mass):
    mean = torch.rand(6, 7, generator=GENERATOR, dtype=torch.float64)
    inside = usual_place(mean, mass)
    held = mean[inside].sum() / mean.sum()
    assert held >= mass - 1e-9
    assert held - mean[inside].min() / mean.sum() < mass
    assert mean[inside].min() >= mean[~inside].max() if mass < 1 else inside.all()


def test_who_looks_where_no_other_class_does_is_elsewhere():
    looks = torch.stack([spot(0.5, 0.5), spot(0.5, 0.5), spot(0.1, 0.1), spot(0.5, 0.5)])
    shares = elsewhere(looks, torch.tensor([0, 1, 2, 3]))
    assert shares[2] == 1
    assert (shares[[0, 1, 3]] < 0.2).all()


def test_a_class_counts_once_however_many_images_it_has():
    """Nine in ten images look into the corner, but all are of one class of three."""
    corner, middle = spot(0.1, 0.1), spot(0.5, 0.5)
    looks = torch.stack([corner] * 18 + [middle, middle])
    shares = elsewhere(looks, torch.tensor([0] * 18 + [1, 2]))
    assert (shares[:18] == 1).all()
    assert (shares[18:] < 0.5).all()


def test_without_another_class_or_a_look_there_is_no_elsewhere():
    looks = torch.stack([spot(0.5, 0.5), torch.zeros(CELLS, CELLS)])
    assert elsewhere(looks, torch.tensor([0, 1])).isnan().all()
    assert elsewhere(looks[:1], torch.tensor([0])).isnan().all()
