"""Filters against SciPy's, at borders above all."""

import math

import pytest
import torch
from scipy import ndimage

from captum_scd.smoothing import DENSE, box, filtered, gaussian, reflect

UNEVEN = torch.tensor([0.5, 0.3, 0.2])


@pytest.mark.parametrize("shape", [(7,), (5, 9), (1, 4), (3, 4, 5)])
@pytest.mark.parametrize("kernel", [gaussian(0.6), gaussian(3.0), box(5.0), UNEVEN])
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


@pytest.mark.parametrize(("sigma", "radius"), [(0.1, 1), (0.25, 1), (0.4, 2), (1.0, 4), (2.6, 10)])
def test_gaussian_weights_are_those_of_the_density_out_to_four_deviations(sigma: float, radius: int) -> None:
    density = [math.exp(-((place / sigma) ** 2) / 2) for place in range(-radius, radius + 1)]
    expected = [weight / sum(density) for weight in density]
    torch.testing.assert_close(gaussian(sigma).tolist(), expected, rtol=1e-5, atol=1e-9)


def test_a_gaussian_without_width_is_one_weight() -> None:
    assert gaussian(0.0).tolist() == [0, 1, 0]


@pytest.mark.parametrize(("width", "count"), [(0.5, 3), (3, 3), (4.1, 5), (5, 5), (5.9, 5), (7, 7), (21, 21)])
def test_a_box_has_an_odd_number_of_equal_weights_about_its_width(width: float, count: int) -> None:
    torch.testing.assert_close(box(width), torch.full((count,), 1 / count))


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 5, 6)], ids=str)
def test_double_precision_is_kept(shape: tuple[int, ...]) -> None:
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights, expected = (0.25, 0.5, 0.25), values
    for axis in range(2, values.ndim):
        sides = torch.cat([expected.narrow(axis, 1, 1), expected, expected.narrow(axis, -2, 1)], dim=axis)
        size = values.shape[axis]
        parts = (sides.narrow(axis, start, size) * weight for start, weight in enumerate(weights))
        expected = sum(parts)
    torch.testing.assert_close(filtered(values, torch.tensor(weights)), expected, rtol=0, atol=1e-15)


def test_half_precision_is_filtered_in_single_precision_and_rounded_once() -> None:
    values = torch.rand(1, 1, 30, 30, generator=torch.Generator().manual_seed(0)).bfloat16()
    smooth = filtered(values, gaussian(3.0))
    assert torch.equal(smooth, filtered(values.float(), gaussian(3.0)).bfloat16())
    assert smooth.dtype == torch.bfloat16
    assert smooth.is_contiguous()


def test_indices_are_mirrored_at_the_outermost_elements() -> None:
    assert reflect(torch.arange(-4, 8), 4).tolist() == [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]
    assert reflect(torch.arange(-2, 3), 1).tolist() == [0] * 5


def test_without_spatial_axes_nothing_happens() -> None:
    values = torch.rand(3, 4)
    assert torch.equal(filtered(values, gaussian(1.0)), values)


@pytest.mark.parametrize("kernel", [gaussian(0.6), gaussian(120.0), box(5.0), UNEVEN, box(9999.0)], ids=len)
def test_a_long_axis_is_filtered_as_a_short_one(kernel: torch.Tensor) -> None:
    values = 1000 + torch.rand(2, 1, DENSE + 1, generator=torch.Generator().manual_seed(0))
    expected = ndimage.correlate1d(values.double().numpy(), kernel.double().numpy(), axis=2, mode="mirror")
    found = filtered(values, kernel).double()
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-6, atol=0)


def test_a_signal_of_a_million_steps_needs_memory_of_its_own_size() -> None:
    signal = torch.ones(1, 1, 1_000_000)
    torch.testing.assert_close(filtered(signal, gaussian(10_000.0)), signal)
