"""Exact tests beside SciPy's, and beside drawing by lot."""

import numpy as np
import pytest
from scipy import stats

from captum_scd.systematic.evidence import holm, more_errors, more_than_half


@pytest.mark.parametrize(("count", "of"), [(0, 1), (1, 1), (7, 9), (30, 40), (600, 1000)])
def test_the_sign_test_is_scipys(count, of):
    expected = stats.binomtest(count, of, 0.5, alternative="greater").pvalue
    assert more_than_half(count, of) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("total", "wrong", "drawn", "found"), [(20, 5, 8, 4), (9, 0, 3, 0), (900, 90, 50, 12)]
)
def test_errors_in_a_group_are_fishers_exact_test(total, wrong, drawn, found):
    table = [[found, drawn - found], [wrong - found, total - wrong - drawn + found]]
    expected, chance = more_errors(total, wrong, drawn, found)
    assert expected == pytest.approx(drawn * wrong / total)
    assert chance == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)


def test_errors_drawn_by_lot_are_as_many_as_they_are_said_to_be():
    lots = np.random.default_rng(0).hypergeometric(6, 14, 8, 200_000)
    expected, chance = more_errors(20, 6, 8, 4)
    assert expected == pytest.approx(lots.mean(), abs=0.01)
    assert chance == pytest.approx((lots >= 4).mean(), abs=0.005)


def test_a_class_that_is_hard_everywhere_is_not_surprising():
    assert more_errors(30, 30, 10, 10) == (10, 1)


def test_holm_is_what_stepping_down_gives():
    chances = [0.04, 0.01, 0.3, 0.012]
    corrected = holm(chances)
    assert corrected == pytest.approx([0.08, 0.04, 0.3, 0.04])
    assert holm([0.5, 0.9]) == [1, 1]
    assert holm([]) == []
