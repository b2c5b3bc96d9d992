"""From what a method returns to one value per pixel."""

import numpy as np
import pytest
import torch
from captum.attr import (
    FeatureAblation,
    GuidedGradCam,
    IntegratedGradients,
    LayerGradCam,
    NoiseTunnel,
    Occlusion,
    Saliency,
)
from torch import Tensor

from captum_scd import FIDOAttribution
from captum_scd.comparison.maps import attributions_of, flat, magnitude, ranking_of, signed, stretched

INPUTS = torch.zeros(2, 3, 6, 4)


def test_signed_and_magnitude_by_hand() -> None:
    attributions = torch.tensor([[[[1.0]], [[-3.0]]]])
    assert signed(attributions).tolist() == [[[[-2.0]]]]
    assert magnitude(attributions).tolist() == [[[[4.0]]]]


def test_gradients_in_the_input_rank_by_magnitude_and_all_else_by_sign(net) -> None:
    layer = net.body[0]
    gradients = [Saliency(net), IntegratedGradients(net), GuidedGradCam(net, layer)]
    others = [LayerGradCam(net, layer), Occlusion(net), FeatureAblation(net), FIDOAttribution(net), abs]
    assert all(ranking_of(method) is magnitude for method in gradients)
    assert all(ranking_of(method) is signed for method in others)
    assert ranking_of(NoiseTunnel(Saliency(net))) is magnitude
    assert ranking_of(NoiseTunnel(Occlusion(net))) is signed


def test_attributions_are_detached_copies() -> None:
    values = torch.ones(2, 3, 6, 4, requires_grad=True)
    found, note = attributions_of(values, INPUTS)
    assert not found.requires_grad
    found.zero_()
    assert values.detach().min() == 1
    assert note == ""


def test_the_first_of_a_tuple_is_taken() -> None:
    values = torch.ones(2, 3, 6, 4)
    assert torch.equal(attributions_of((values, "delta"), INPUTS)[0], values)


@pytest.mark.parametrize(("count", "axes"), [(2, 4), (2, 3), (1, 4), (1, 3), (1, 2)])
@pytest.mark.parametrize("kind", ["tensor", "array", "array seen backwards", "double in the other order"])
def test_maps_come_with_channels_and_without_as_tensors_and_arrays(count: int, kind: str, axes: int) -> None:
    values = torch.arange(count * 24.0).view(count, 1, 6, 4)
    brought = values.view({4: (count, 1, 6, 4), 3: (count, 6, 4), 2: (6, 4)}[axes])
    array = brought.numpy()
    returned = {
        "tensor": brought,
        "array": array,
        "array seen backwards": array[::-1].copy()[::-1],
        "double in the other order": array.astype(">f8"),
    }[kind]
    found, note = attributions_of(returned, INPUTS[:count])
    assert torch.equal(found.float(), values)
    assert note == ""


def test_small_maps_are_interpolated_between_the_centres_of_their_cells() -> None:
    small = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(2, 1, 3, 2)
    large, note = attributions_of(small, INPUTS)
    assert large.shape == (2, 1, 6, 4)
    torch.testing.assert_close(large[0, 0, 0], torch.tensor([0.0, 0.25, 0.75, 1.0]))
    assert note == "interpolated from 3 x 2"


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (None, TypeError, "but got NoneType"),
        ((), TypeError, "but got tuple"),
        (torch.ones(2, 3, 6, 4, dtype=torch.complex64), TypeError, "Expected a tensor of attributions"),
        (torch.ones(3, 6, 4), ValueError, r"shape \(2, channels, 6, 4\), but got \(3, 1, 6, 4\)"),
        (torch.ones(6, 4), ValueError, r"but got \(6, 4\)"),
        (np.array(["a"]), TypeError, "but got ndarray"),
        (torch.ones(1, 3, 6, 4), ValueError, r"but got \(1, 3, 6, 4\)"),
        (torch.empty(0), ValueError, r"but got \(0,\)"),
        (torch.empty(2, 0, 6, 4), ValueError, r"but got \(2, 0, 6, 4\)"),
    ],
)
def test_what_is_no_map_is_rejected(returned: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        attributions_of(returned, INPUTS)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_counted(value: float) -> None:
    values = torch.ones(2, 3, 6, 4)
    values[1, 0, 0, 0] = value
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 2"):
        attributions_of(values, INPUTS)


def test_half_precision_is_ranked_in_single(images: Tensor) -> None:
    assert signed(images.half()).dtype == torch.float32
    small, _ = attributions_of(images.half()[:2, :, :3, :2], INPUTS)
    assert small.isfinite().all()


def test_flat_maps_are_told_apart() -> None:
    maps = torch.zeros(2, 1, 6, 4)
    maps[1, 0, 0, 0] = 1e-9
    assert flat(maps).tolist() == [True, False]


def test_stretching_does_not_change_the_order(images: Tensor) -> None:
    unit = stretched(images[:, :1])
    assert torch.equal(unit.flatten(1).argsort(1), images[:, :1].flatten(1).argsort(1))
    assert (unit.flatten(1).amin(1) == 0).all()
    torch.testing.assert_close(unit.flatten(1).amax(1), torch.ones(3))
