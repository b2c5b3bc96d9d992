"""What a page is made of is checked where it is made."""

import pytest
import torch

from captum_scd.report import Column, Entry, Map, Report

PICTURE = torch.rand(3, 4, 5)
SSR = Map("SSR", torch.rand(2, 2))


def test_titles_name_the_map():
    assert Column("area", "", of="SSR").title == "SSR area"
    assert Column("probability", "").title == "probability"


def test_a_direction_is_known():
    with pytest.raises(ValueError, match="'higher', 'lower', but got 'up'"):
        Column("area", "", better="up")


@pytest.mark.parametrize("shape", [(4,), (1, 4, 4), ()])
def test_a_map_is_flat(shape):
    with pytest.raises(ValueError, match="map 'SSR' of shape"):
        Map("SSR", torch.zeros(shape))


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf")])
def test_values_lie_between_0_and_1(value):
    with pytest.raises(ValueError, match=r"map 'SSR' to hold values in \[0, 1\]"):
        Map("SSR", torch.tensor([[0.0, value]]))
    with pytest.raises(ValueError, match=r"`picture` to hold values in \[0, 1\]"):
        Entry("a", torch.full((3, 2, 2), value), [], {})
    with pytest.raises(ValueError, match=r"`infill` to hold values in \[0, 1\]"):
        Entry("a", torch.zeros(3, 2, 2), [], {}, infill=torch.full((3, 2, 2), value))


def test_nothing_is_no_picture_and_no_map():
    with pytest.raises(ValueError, match="`picture`"):
        Entry("a", torch.zeros(3, 0, 2), [], {})
    with pytest.raises(ValueError, match="map 'SSR'"):
        Map("SSR", torch.zeros(0, 2))


@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5), (1, 3, 4, 5)])
def test_a_picture_is_grey_or_rgb(shape):
    with pytest.raises(ValueError, match=r"`picture` of shape \(3 or 1, H, W\)"):
        Entry("a", torch.zeros(shape), [], {})


def test_an_infill_fits_its_picture():
    with pytest.raises(ValueError, match="picture's shape"):
        Entry("a", PICTURE, [], {}, infill=torch.rand(3, 5, 4))


def test_maps_have_names_of_their_own():
    with pytest.raises(ValueError, match="different names"):
        Entry("a", PICTURE, [SSR, SSR], {})


@pytest.mark.parametrize("of", [(), ("SSR", "SDR"), ("Joint",), ("SSR", "other")])
def test_a_mean_is_of_maps_with_values(of):
    with pytest.raises(ValueError, match=r"'Joint' to be the mean of others"):
        Entry("a", PICTURE, [Map("Joint", of), SSR, Map("other", ("SSR",))], {})


def test_columns_differ_and_the_cut_is_inside():
    with pytest.raises(ValueError, match="different titles"):
        Report("t", [Column("area", ""), Column("area", "")])
    for cut in (0, 1, -0.5, float("nan")):
        with pytest.raises(ValueError, match=r"`cut` to be in \(0, 1\)"):
            Report("t", [], cut=cut)
