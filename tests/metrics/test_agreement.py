"""Rank correlation, against SciPy."""

import pytest
import scipy.stats
import torch
from planted import random

from captum_scd.metrics import rank_correlation


@pytest.mark.parametrize("levels", [2, 5, 1000], ids=["two values", "many ties", "few ties"])
def test_correlation_is_scipys(levels: int) -> None:
    first, second = ((random(4, 1, 9, 11, seed=s) * levels).floor() for s in (0, 1))
    second[0] = first[0] + 3 * second[0]
    second[1] = -first[1]
    expected = [
        scipy.stats.spearmanr(a.flatten().numpy(), b.flatten().numpy()).statistic
        for a, b in zip(first, second, strict=True)
    ]
    assert rank_correlation(first, second).tolist() == pytest.approx(expected, abs=1e-6)


def test_large_maps_keep_their_precision() -> None:
    first = random(1, 1, 500, 500)
    second = first + 0.1 * random(1, 1, 500, 500, seed=1)
    expected = scipy.stats.spearmanr(first.flatten().numpy(), second.flatten().numpy()).statistic
    assert rank_correlation(first, second).item() == pytest.approx(expected, abs=1e-5)


def test_any_rising_change_of_scale_leaves_the_order() -> None:
    maps = random(2, 1, 8, 8)
    torch.testing.assert_close(rank_correlation(maps, (5 * maps).exp() - 7), torch.ones(2))
    torch.testing.assert_close(rank_correlation(maps, -(maps**3)), -torch.ones(2))


@pytest.mark.parametrize("sign", [1, -1])
def test_round_off_leads_no_further_than_one(sign: int) -> None:
    for pixels in range(2, 50):
        maps = random(1, pixels)
        correlation = sign * rank_correlation(maps, sign * maps).item()
        assert correlation <= 1
        assert correlation == pytest.approx(1)


def test_channels_are_summed() -> None:
    maps = random(2, 3, 8, 8)
    torch.testing.assert_close(rank_correlation(maps, maps.sum(1, keepdim=True)), torch.ones(2))


def test_a_flat_map_has_no_order() -> None:
    maps = torch.cat([torch.zeros(1, 1, 4, 4), random(1, 1, 4, 4)])
    correlation = rank_correlation(maps, random(2, 1, 4, 4, seed=1))
    assert correlation.isnan().tolist() == [True, False]
    assert rank_correlation(maps[:1], maps[:1]).isnan().all()


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (1, 1, 4, 4), (2, 16)], ids=str)
def test_maps_of_different_sizes_are_rejected(shape) -> None:
    with pytest.raises(ValueError, match="Expected two maps of one size, but got"):
        rank_correlation(torch.ones(2, 1, 4, 4), torch.ones(shape))
