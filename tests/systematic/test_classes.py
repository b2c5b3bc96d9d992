"""Right and wrong images of a class."""

import pytest
import torch
from cases import CLASSES, cases

from captum_scd.systematic import Case, by_class


def test_every_image_with_a_label_is_sorted_once():
    made = cases(
        40, predicted=lambda k: 0 if k < 8 else k % CLASSES, label=lambda k: None if k > 35 else k % CLASSES
    )
    sorted_ = by_class(made)
    assert [one.label for one in sorted_] == [0, 1, 2, 3]
    assert sum(map(len, sorted_)) == 36
    assert [one.error_rate for one in sorted_] == pytest.approx([0, 2 / 9, 2 / 9, 2 / 9])
    assert sorted_[1].wrong.called == {0: 2}


def test_means_are_of_the_images_they_are_said_to_be_of():
    made = cases(
        12, predicted=lambda k: k % CLASSES if k < 4 else 0, probability=lambda k: k / 20,
        on=lambda k: 0.2 if k < 4 else 0.6, areas=lambda k: {"ssr": k / 12},
    )  # fmt: skip
    one = by_class(made)[1]
    assert [case.key for case in one.wrong.cases] == ["image 9", "image 5"]
    assert one.wrong.probability == pytest.approx((5 + 9) / 40)
    assert (one.right.on, one.wrong.on) == pytest.approx((0.2, 0.6))
    assert one.wrong.area("ssr") == pytest.approx(14 / 24)
    assert torch.allclose(one.wrong.look, (made[5].look + made[9].look) / 2)
    assert one.wrong.area("sdr") is None


def test_nothing_has_no_mean():
    (one,) = by_class([Case("a", torch.ones(2, 2), 0, 0, label=0)])
    assert (len(one.wrong), one.wrong.look, one.wrong.probability, one.wrong.called) == (0, None, None, {})
    assert by_class([]) == []
