"""Curves and areas of one map: as each by itself, with fewer questions to the model."""

import pytest
import torch
from models import Watched
from torch import Tensor

from captum_scd import compare, metrics
from captum_scd.metrics.ordered import Ordered


@pytest.mark.parametrize("first", ["curves", "areas"])
def test_values_are_those_of_each_by_itself_for_fewer_passes(net, images: Tensor, first: str) -> None:
    values = torch.rand(3, 1, 12, 10, generator=torch.Generator().manual_seed(0))
    asked = {"inputs": images, "attributions": values, "baselines": 0.2, "target": [1, 2, 3]}
    apart, together = Watched(net).eval(), Watched(net).eval()
    curves = metrics.insertion_deletion(apart, **asked)
    areas = metrics.sufficient_area(apart, **asked), metrics.destroying_area(apart, **asked)
    ordered = Ordered(together, **asked)
    names = ("sufficient_area", "destroying_area")
    if first == "areas":
        assert ordered.sufficient_area.shape == (3,)
    torch.testing.assert_close(ordered.curves.insertion_curve, curves.insertion_curve)
    torch.testing.assert_close(ordered.curves.deletion_curve, curves.deletion_curve)
    found = [getattr(ordered, name) for name in names]
    torch.testing.assert_close(tuple(found), areas)
    refinements = 2 * 6
    assert sum(together.rows) <= 3 * (2 * 40 + refinements) < sum(apart.rows)


def test_the_model_is_asked_once_about_blocks_for_all_maps(net, images: Tensor) -> None:
    def asked(methods: dict) -> int:
        watched = Watched(net).eval()
        compare(watched, images, 1, methods, ["infidelity"])
        return sum(watched.rows)

    one, three = asked({"a": torch.abs}), asked({"a": torch.abs, "b": torch.square, "c": torch.sin})
    assert one == three


def test_nothing_is_asked_before_it_is_read(net, images: Tensor) -> None:
    watched = Watched(net).eval()
    Ordered(watched, inputs=images, attributions=images, target=1)
    assert watched.rows == []
