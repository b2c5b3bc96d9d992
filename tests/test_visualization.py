"""Figures: what stands in them, and that it is true to the masks."""

import numpy as np
import pytest
import torch

from captum_scd import FIDOMasks, visualization


@pytest.fixture
def masks() -> FIDOMasks:
    cells = torch.zeros(1, 1, 6, 6)
    cells[..., 2:4, 1:5] = 1
    return FIDOMasks(cells, cells.transpose(2, 3), size=(6, 6))


IMAGE = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(0))
INFILL = torch.zeros(3, 6, 6)


def picture(axis) -> np.ndarray:
    return np.asarray(axis.get_images()[0].get_array())


def test_denormalize_inverts_and_clips():
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.2, 0.1)
    scaled = (IMAGE[None] - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(visualization.denormalize(scaled, mean, std)[0], IMAGE)
    assert visualization.denormalize(scaled * 100, mean, std).max() <= 1


def test_overlay_is_grey_without_and_bright_with_the_mask():
    ramp = visualization.overlay(torch.full((3, 1, 3), 0.5), torch.tensor([[[0.0, 1.0, float("nan")]]]))
    np.testing.assert_allclose(ramp[0, 0], 0.3)
    np.testing.assert_allclose(ramp[0, 2], 0.3)
    assert ramp[0, 1].mean() > 0.7


def test_composites_are_the_ones_the_masks_define(masks):
    _, axes = visualization.masks_figure(IMAGE, INFILL, masks)
    ssr, sdr = masks.threshold(0.5, "ssr")[0], masks.threshold(0.5, "sdr")[0]
    np.testing.assert_allclose(picture(axes[0, 0]), IMAGE.permute(1, 2, 0))
    np.testing.assert_allclose(picture(axes[1, 1]), (IMAGE * ssr).permute(1, 2, 0))
    np.testing.assert_allclose(picture(axes[1, 2]), (IMAGE * ~sdr).permute(1, 2, 0))


def test_captions_tell_probabilities_and_areas(masks):
    said = {"image": 0.9, "infill": 0.05, "ssr": 0.8, "sdr": 0.1, "other": 1.0}
    _, axes = visualization.masks_figure(IMAGE, INFILL, masks, said, title="Why?")
    labels = [axis.get_xlabel() for axis in axes.flat]
    assert labels[0] == "probability 0.900 (all replaced: 0.050)"
    assert labels[1] == f"{8 / 36:.1%} of the image outlined"
    assert labels[3] == f"{4 / 36:.1%} of the image outlined"
    assert labels[4] == f"probability 0.800, with {8 / 36:.1%} of the image"
    assert labels[5] == f"probability 0.100, without {8 / 36:.1%} of the image"


def test_missing_probabilities_are_left_out(masks):
    _, axes = visualization.masks_figure(IMAGE, INFILL, masks)
    assert [axis.get_xlabel() for axis in axes[:, 0]] == ["", f"{4 / 36:.1%} of the image outlined"]


def test_outlines_go_around_the_pixels(masks):
    _, axes = visualization.masks_figure(IMAGE, INFILL, masks)
    segments = axes[0, 1].collections[0].get_segments()
    assert len(segments) == 2 * (2 + 4)
    points = np.concatenate(segments)
    assert (points.min(0) == [0.5, 1.5]).all()
    assert (points.max(0) == [4.5, 3.5]).all()


def test_empty_masks_and_grey_images_are_drawn():
    empty = FIDOMasks(torch.zeros(1, 1, 6, 6), torch.zeros(1, 1, 6, 6), size=(6, 6))
    figure, axes = visualization.masks_figure(IMAGE[:1], INFILL[:1], empty)
    figure.canvas.draw()
    assert not axes[1, 0].lines


def test_wide_images_keep_their_proportions():
    masks = FIDOMasks(torch.ones(1, 1, 4, 8), torch.ones(1, 1, 4, 8), size=(4, 8))
    figure, axes = visualization.masks_figure(torch.rand(3, 4, 8), torch.rand(3, 4, 8), masks)
    box = axes[0, 0].get_position()
    width, height = figure.get_size_inches()
    assert box.width * width == pytest.approx(2 * box.height * height)


def test_maps_are_scaled_and_captioned_one_by_one():
    maps = {"a": torch.zeros(2, 3, 6, 6), "b": torch.rand(2, 1, 6, 6) * 1e-6}
    region = torch.zeros(2, 1, 6, 6, dtype=torch.bool)
    region[..., :3] = True
    shares = {"a": torch.tensor([0.0, 0.0]), "b": torch.tensor([0.25, 0.5])}
    figure, axes = visualization.maps_figure(torch.rand(2, 3, 6, 6), maps, region, shares, ["x", "y"])
    figure.canvas.draw()
    assert axes.shape == (2, 3)
    assert axes[1, 0].get_title(loc="left") == "y"
    assert axes[1, 0].get_xlabel() == "detail: 50.0% of the image"
    assert axes[1, 2].get_xlabel() == "50.0% of the map on the detail"
    assert picture(axes[0, 2]).max() > picture(axes[0, 1]).max()
