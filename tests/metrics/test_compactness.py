"""How small, sparse and smooth, against SciPy and closed forms."""

import math

import pytest
import scipy.stats
import torch
from planted import random

from captum_scd.metrics import area, entropy, gini, total_variation

BOTH = pytest.mark.parametrize("metric", [entropy, gini])


def test_area_is_the_mean_of_each_mask() -> None:
    masks = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 1.0, 0.0]]).view(2, 1, 2, 2)
    assert area(masks).tolist() == [0.25, 0.5]
    assert area(masks > 0.4).tolist() == [0.25, 0.75]


def test_total_variation_is_that_of_the_grid() -> None:
    assert total_variation(torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])).tolist() == [1]
    assert total_variation(torch.ones(2, 1, 4, 4)).tolist() == [0, 0]


def test_entropy_is_scipys_over_its_greatest_value() -> None:
    maps = random(3, 1, 9, 11) ** 4
    expected = [scipy.stats.entropy(one.flatten().double().numpy()) / math.log(99) for one in maps]
    assert entropy(maps).tolist() == pytest.approx(expected, rel=1e-5)


def test_gini_is_the_mean_difference_of_two_pixels_over_twice_the_mean() -> None:
    maps = random(3, 1, 6, 7) ** 4
    for one, index in zip(maps.flatten(1).double().tolist(), gini(maps).tolist(), strict=True):
        differences = sum(abs(a - b) for a in one for b in one) / len(one) ** 2
        assert index == pytest.approx(differences / (2 * sum(one) / len(one)), rel=1e-5)


@pytest.mark.parametrize("pixels", [1, 2, 30, 60])
def test_equal_pixels_in_closed_form(pixels: int) -> None:
    maps = torch.zeros(1, 60)
    maps[:, :pixels] = 3
    maps = maps[:, torch.randperm(60, generator=torch.Generator().manual_seed(0))].view(1, 1, 6, 10)
    assert entropy(maps).item() == pytest.approx(math.log(pixels) / math.log(60), abs=1e-6)
    assert gini(maps).item() == pytest.approx(1 - pixels / 60, abs=1e-6)


@BOTH
def test_maps_without_positive_values_are_flat(metric) -> None:
    flat = metric(torch.ones(1, 1, 4, 4))
    for maps in (torch.zeros(1, 1, 4, 4), -random(1, 1, 4, 4)):
        torch.testing.assert_close(metric(maps), flat)


@BOTH
def test_only_positive_energy_of_the_summed_channels_counts(metric) -> None:
    maps = torch.tensor([[[[3.0, -1.0, 0.5]], [[-1.0, -4.0, 0.5]]]])
    torch.testing.assert_close(metric(maps), metric(torch.tensor([[2.0, 0.0, 1.0]])))


@BOTH
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e30])
def test_the_scale_of_a_map_does_not_matter(metric, scale: float) -> None:
    maps = random(2, 3, 5, 5)
    torch.testing.assert_close(metric(scale * maps), metric(maps))


def test_two_equal_pixels_of_two_are_flat() -> None:
    assert entropy(torch.ones(1, 2)).tolist() == [1]
    assert gini(torch.ones(1, 2)).tolist() == [0]


def test_a_map_of_one_pixel_is_finite() -> None:
    assert entropy(torch.ones(1, 1)).tolist() == [0]
    assert gini(torch.ones(1, 1)).tolist() == [0]
