"""Filters against SciPy's, at borders above all."""

import pytest
import torch
from scipy import ndimage

from captum_scd.smoothing import box, filtered, gaussian, reflect


@pytest.mark.parametrize("shape", [(7,), (5, 9), (1, 4), (3, 4, 5)])
@pytest.mark.parametrize("kernel", [gaussian(0.6), gaussian(3.0), box(5.0)])
def test_a_filter_is_scipys_correlation_along_each_axis(shape: tuple[int, ...], kernel: torch.Tensor) -> None:
    values = torch.rand(2, 3, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = values.numpy()
    for axis in range(2, values.ndim):
        expected = ndimage.correlate1d(expected, kernel.double().numpy(), axis=axis, mode="mirror")
    torch.testing.assert_close(filtered(values, kernel), torch.from_numpy(expected), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", [gaussian(0.0), gaussian(0.7), gaussian(12.0), box(1.0), box(8.0)])
def test_weights_are_symmetric_and_sum_to_one(kernel: torch.Tensor) -> None:
    assert len(kernel) % 2 == 1
    torch.testing.assert_close(kernel, kernel.flip(0))
    torch.testing.assert_close(kernel.sum(), torch.tensor(1.0))


def test_indices_are_mirrored_at_the_outermost_elements() -> None:
    assert reflect(torch.arange(-4, 8), 4).tolist() == [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]
    assert reflect(torch.arange(-2, 3), 1).tolist() == [0] * 5


def test_without_spatial_axes_nothing_happens() -> None:
    values = torch.rand(3, 4)
    assert torch.equal(filtered(values, gaussian(1.0)), values)
