"""A contour goes where the mask crosses the threshold, and only there."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from captum_scd.visualization.contours import FIRST, contour


def _points(mask: torch.Tensor, threshold: float = 0.5) -> np.ndarray:
    axis = Figure().add_subplot()
    axis.imshow(mask.numpy())
    limits = axis.get_xlim(), axis.get_ylim()
    contour(axis, mask, threshold, FIRST)
    assert (axis.get_xlim(), axis.get_ylim()) == limits
    paths = [path.vertices for lines in axis.collections for path in lines.get_paths()]
    return np.concatenate(paths) if paths else np.zeros((0, 2))


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_the_contour_of_a_cone_is_its_circle(threshold: float) -> None:
    y, x = torch.meshgrid(torch.arange(61.0), torch.arange(61.0), indexing="ij")
    cone = (1 - ((x - 30) ** 2 + (y - 30) ** 2).sqrt() / 25).clamp(min=0)
    radii = np.hypot(*(_points(cone, threshold) - 30).T)
    np.testing.assert_allclose(radii, 25 * (1 - threshold), atol=0.2)


def test_a_region_at_the_border_is_closed_along_it() -> None:
    mask = torch.zeros(8, 8)
    mask[:, :4] = 1
    x, y = _points(mask).T
    assert x.min() == pytest.approx(-0.25, abs=1e-4)
    assert x.max() == pytest.approx(3.5, abs=1e-4)
    assert y.max() == pytest.approx(7.25, abs=1e-4)


@pytest.mark.parametrize("mask", [torch.zeros(5, 5), torch.full((5, 5), torch.nan), torch.full((5, 5), 0.49)])
def test_nothing_is_drawn_around_nothing(mask) -> None:
    assert len(_points(mask)) == 0


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_full_mask_is_framed_whatever_the_threshold(threshold: float) -> None:
    assert len(_points(torch.ones(5, 5), threshold)) >= 4
