"""Maps, masks and regions that do not fit or make no sense, in every metric that takes them."""

import numpy as np
import pytest
import torch
from torch import Tensor

from captum_scd import metrics
from captum_scd.metrics._maps import map_values, pixel_values, union

INSIDE = torch.tensor([[[[True, False], [False, False]]]])

OF_MAPS = pytest.mark.parametrize(
    "metric",
    [
        metrics.entropy,
        metrics.gini,
        lambda maps: metrics.rank_correlation(maps, maps),
        lambda maps: metrics.pointing_game(maps, INSIDE),
        lambda maps: metrics.energy_pointing_game(maps, INSIDE),
    ],
    ids=["entropy", "gini", "rank_correlation", "pointing_game", "energy_pointing_game"],
)
OF_MASKS = pytest.mark.parametrize(
    "metric",
    [
        metrics.area,
        lambda mask: metrics.iou(mask, INSIDE),
        lambda mask: metrics.precision(mask, INSIDE),
        lambda mask: metrics.recall(mask, INSIDE),
    ],
    ids=["area", "iou", "precision", "recall"],
)
IN_REGIONS = pytest.mark.parametrize(
    "metric",
    [
        metrics.pointing_game,
        metrics.energy_pointing_game,
        metrics.iou,
        metrics.precision,
        metrics.recall,
    ],
)


@OF_MAPS
@pytest.mark.parametrize(
    ("maps", "error", "message"),
    [
        (np.ones((1, 1, 2, 2)), TypeError, "Expected attributions to be a tensor, but got ndarray"),
        (torch.ones(4), ValueError, r"Expected attributions \(N, C, \*spatial\) or \(N, F\)"),
        (torch.ones(0, 1, 2, 2), ValueError, "nothing empty, but got"),
        (torch.tensor([[[[1.0, 2.0], [3.0, torch.nan]]]]), ValueError, "Expected finite attributions"),
        (torch.tensor([[[[1.0, 2.0], [3.0, torch.inf]]]]), ValueError, "Expected finite attributions"),
    ],
    ids=["array", "no batch", "empty", "NaN", "infinity"],
)
def test_maps_that_make_no_sense_are_rejected(metric, maps, error, message: str) -> None:
    with pytest.raises(error, match=message):
        metric(maps)


@OF_MAPS
def test_maps_may_be_of_any_precision_and_carry_a_graph(metric) -> None:
    values = torch.tensor([[[[0.5, 2.0], [1.0, 4.0]]]])
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int32):
        torch.testing.assert_close(metric(values.to(dtype)).float(), metric(values.to(dtype).float()))
    assert not metric(values.requires_grad_()).requires_grad


@OF_MASKS
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_masks_out_of_their_range_are_rejected(metric, value: float) -> None:
    mask = torch.ones(1, 1, 2, 2)
    mask[0, 0, 1, 1] = value
    with pytest.raises(ValueError, match=r"Expected a mask in \[0, 1\], but got values from"):
        metric(mask)


@IN_REGIONS
@pytest.mark.parametrize("shape", [(1, 1, 2, 1), (3, 1, 1, 2), (1, 1, 1, 3), (1, 2)], ids=str)
def test_regions_that_do_not_fit_are_rejected(metric, shape) -> None:
    with pytest.raises(ValueError, match="Expected a region that fits maps of shape"):
        metric(torch.ones(2, 1, 1, 2), torch.ones(shape))


@IN_REGIONS
def test_regions_without_a_pixel_are_rejected(metric) -> None:
    region = torch.stack([torch.ones(1, 2, 2), torch.zeros(1, 2, 2)])
    with pytest.raises(ValueError, match="Expected a region with at least one pixel in each example"):
        metric(torch.ones(2, 1, 2, 2), region)


@IN_REGIONS
@pytest.mark.parametrize("value", [-1.0, 2.0, float("nan")])
def test_regions_out_of_their_range_are_rejected(metric, value: float) -> None:
    with pytest.raises(ValueError, match=r"Expected a region in \[0, 1\], but got values from"):
        metric(torch.ones(1, 1, 1, 2), torch.tensor([[[[1.0, value]]]]))


@IN_REGIONS
def test_regions_are_shared_by_the_batch_or_one_each(metric) -> None:
    maps: Tensor = torch.eye(30)[None, None].expand(2, 3, 30, 30) / 3
    left = torch.arange(30).expand(1, 1, 30, 30) < 10
    shared, own = metric(maps, left), metric(maps, torch.cat([left, left.flip(3)]))
    assert shared.shape == own.shape == (2,)
    assert torch.equal(shared, shared[:1].expand(2))
    assert own[0] == shared[0]


@IN_REGIONS
def test_a_region_of_several_channels_is_their_union(metric) -> None:
    maps = torch.linspace(0, 1, 40).view(1, 1, 1, 40)
    parts = torch.zeros(1, 2, 1, 40)
    parts[0, 0, 0, 2:22] = 0.5
    parts[0, 1, 0, 20:26] = 0.25
    union = torch.zeros(1, 1, 1, 40)
    union[..., 2:22], union[..., 22:26] = 0.5, 0.25
    assert torch.equal(metric(maps, parts), metric(maps, union))


@pytest.mark.parametrize("size", [(4,), (4, 5), (2, 3, 4)], ids=str)
def test_the_pixels_of_a_map_are_sums_and_those_of_a_mask_maxima_over_the_channels(size) -> None:
    maps = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    first, second, third = (maps[:, channel : channel + 1] for channel in range(3))
    torch.testing.assert_close(pixel_values(maps), first + second + third)
    assert torch.equal(union(maps), torch.maximum(torch.maximum(first, second), third))


def test_tabular_maps_have_no_channels() -> None:
    maps = torch.rand(2, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pixel_values(maps), maps)
    assert torch.equal(union(maps), maps)
    assert torch.equal(map_values(torch.zeros(2, 3), maps), maps)


def test_double_precision_is_kept_and_half_precision_summed_in_single() -> None:
    maps = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(pixel_values(maps), maps.sum(1, keepdim=True))
    half = maps.bfloat16()
    assert torch.equal(pixel_values(half), half.float().sum(1, keepdim=True))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(4,), (4, 5)], ids=str)
def test_a_map_belongs_to_inputs_with_one_channel_or_all_of_theirs(channels: int, size) -> None:
    maps = torch.rand(2, channels, *size)
    assert torch.equal(map_values(torch.zeros(2, 3, *size), maps), pixel_values(maps))


@pytest.mark.parametrize(
    "shape", [(2, 2, 4, 5), (1, 1, 4, 5), (2, 1, 3, 5), (2, 1, 4), (2, 1, 4, 6)], ids=str
)
def test_a_map_that_belongs_to_other_inputs_is_told_what_would_fit(shape) -> None:
    message = r"of shape \(2, 3, 4, 5\) or \(2, 1, 4, 5\), but got"
    with pytest.raises(ValueError, match=message):
        map_values(torch.zeros(2, 3, 4, 5), torch.ones(shape))
    with pytest.raises(ValueError, match=r"of shape \(2, 3\), but got \(2, 1\)"):
        map_values(torch.zeros(2, 3), torch.ones(2, 1))
