"""Large inputs, small here: every number of axes is measured."""

import pytest

large_inputs = pytest.importorskip("large_inputs")


@pytest.mark.parametrize("size", [(64,), (16, 16), (8, 8, 8)])
def test_a_size_is_measured(size: tuple[int, ...]) -> None:
    seconds, peak = large_inputs.measure(size, n_iterations=1)
    assert seconds > 0
    assert peak >= 0


def test_all_numbers_of_axes_are_asked_about() -> None:
    assert {len(size) for size in large_inputs.SIZES} == {1, 2, 3}
