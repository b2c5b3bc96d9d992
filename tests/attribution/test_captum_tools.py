"""Captum's own tools, run on FIDO."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import NoiseTunnel, visualization
from captum.metrics import infidelity, infidelity_perturb_func_decorator, sensitivity_max
from matplotlib.figure import Figure
from quick import QUICK, explain
from torch import Tensor, nn

from captum_scd import FIDOAttribution
from captum_scd.visualization import to_captum

MODES = pytest.mark.parametrize("context", [torch.enable_grad, torch.no_grad, torch.inference_mode])


@MODES
def test_noise_tunnel_without_noise_gives_the_attribution_itself(
    net: nn.Module, images: Tensor, context
) -> None:
    with context():
        smooth = NoiseTunnel(FIDOAttribution(net)).attribute(
            images, nt_samples=2, stdevs=0.0, target=[0, 1, 2], **QUICK
        )
    torch.testing.assert_close(smooth, explain(net, images, [0, 1, 2]), rtol=0, atol=5e-3)
    assert not smooth.requires_grad


@pytest.mark.parametrize("kind", ["smoothgrad", "smoothgrad_sq", "vargrad"])
def test_noise_tunnel_takes_baselines_and_batches(net: nn.Module, images: Tensor, kind: str) -> None:
    smooth = NoiseTunnel(FIDOAttribution(net)).attribute(
        images,
        nt_type=kind,
        nt_samples=3,
        nt_samples_batch_size=2,
        baselines=torch.zeros_like(images),
        target=torch.tensor([0, 1, 2]),
        **QUICK,
    )
    assert smooth.shape == images.shape
    assert smooth.isfinite().all()


@MODES
@pytest.mark.parametrize("baselines", [None, 0.0, "tensor"])
def test_sensitivity_without_perturbation_is_zero(net: nn.Module, images: Tensor, context, baselines) -> None:
    extra = (
        {}
        if baselines is None
        else {"baselines": torch.zeros_like(images) if baselines == "tensor" else baselines}
    )
    with context():
        sensitivity = sensitivity_max(
            FIDOAttribution(net).attribute,
            images,
            perturb_radius=0.0,
            n_perturb_samples=1,
            target=[0, 1, 2],
            **extra,
            **QUICK,
        )
    assert sensitivity.tolist() == [0, 0, 0]


def test_sensitivity_is_small_for_small_perturbations(net: nn.Module, images: Tensor) -> None:
    torch.manual_seed(0)
    sensitivity = sensitivity_max(
        FIDOAttribution(net).attribute, images, perturb_radius=1e-4, n_perturb_samples=2, target=0, **QUICK
    )
    assert sensitivity.max() < 0.1


@MODES
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("multiply_by_inputs", [False, True])
def test_infidelity_is_finite(
    net: nn.Module, images: Tensor, context, normalize: bool, multiply_by_inputs: bool
) -> None:
    @infidelity_perturb_func_decorator(multiply_by_inputs)
    def blank_a_block(inputs: Tensor, baselines: Tensor | None = None) -> Tensor:
        corner = torch.randint(0, 6, (2,)).tolist()
        altered = inputs.clone()
        altered[..., corner[0] : corner[0] + 4, corner[1] : corner[1] + 4] = 0
        return altered

    with context():
        attribution = explain(net, images, baselines=0.0)
        value = infidelity(
            net, blank_a_block, images, attribution, target=0, n_perturb_samples=4, normalize=normalize
        )
    assert value.shape == (3,)
    assert value.isfinite().all()


@pytest.mark.parametrize("method", ["heat_map", "blended_heat_map", "masked_image", "alpha_scaling"])
def test_captums_pictures_take_the_result(net: nn.Module, images: Tensor, method: str) -> None:
    attribution, image = (t[0].permute(1, 2, 0).numpy() for t in (explain(net, images), images.sigmoid()))
    figure, _ = visualization.visualize_image_attr(
        attribution, image, method, sign="positive", use_pyplot=False
    )
    assert isinstance(figure, Figure)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("sign", ["all", "positive", "absolute_value", "negative"])
def test_captums_pictures_take_masks_with_every_sign(net: nn.Module, images: Tensor, sign: str) -> None:
    array = to_captum(explain(net, images), sign)[0]
    _, axis = visualization.visualize_image_attr(array, sign=sign, use_pyplot=False)
    assert (np.ma.filled(axis.get_images()[-1].get_array(), 0).max() > 0) == (sign != "negative")


CONTRASTS = pytest.mark.parametrize(
    "others",
    [
        [3, 4, 1],
        torch.tensor([3, 4, 1]),
        np.array([3, 4, 1]),
        [(3,), (4,), (1,)],
        [[3, 1], [4], [1, 0]],
        torch.tensor([[3, 1], [4, 2], [1, 0]]),
        2 * [[3]] + [[4]],
    ],
    ids=str,
)


@CONTRASTS
def test_noise_tunnel_keeps_each_example_its_own_look_alikes(net: nn.Module, images: Tensor, others) -> None:
    asked = {"target": [0, 1, 2], "contrast_target": others, **QUICK}
    smooth = NoiseTunnel(FIDOAttribution(net)).attribute(
        images, nt_samples=3, nt_samples_batch_size=2, stdevs=0.0, **asked
    )
    alone = FIDOAttribution(net).attribute(images, **asked)
    torch.testing.assert_close(smooth, alone, rtol=0, atol=5e-3)


@CONTRASTS
def test_sensitivity_keeps_each_example_its_own_look_alikes(net: nn.Module, images: Tensor, others) -> None:
    seen: list[Any] = []

    def attribute(inputs: Any, **options: Any) -> Any:
        attribution, masks = FIDOAttribution(net).attribute(inputs, return_masks=True, **options)
        seen.append((masks[0] if isinstance(masks, tuple) else masks).settings["contrast_target"])
        return attribution

    options = {"target": [0, 1, 2], "contrast_target": others, "n_perturb_samples": 2, "perturb_radius": 0.0}
    for method in (FIDOAttribution(net).attribute, attribute):
        assert sensitivity_max(method, images, **options, **QUICK).max() < 5e-3
    once, twice = seen
    assert twice == [one for one in once for _ in range(2)]


def test_outside_captums_tools_look_alikes_are_not_repeated(net: nn.Module, images: Tensor) -> None:
    with pytest.raises(AssertionError, match="one class per example"):
        explain(net, images, [0, 1, 2], contrast_target=[3])


def test_look_alikes_that_do_not_divide_the_rows_are_refused(net: nn.Module, images: Tensor) -> None:
    with pytest.raises(AssertionError, match="one class per example"):
        NoiseTunnel(FIDOAttribution(net)).attribute(
            images, nt_samples=1, target=0, contrast_target=[3, 4], **QUICK
        )


@pytest.mark.parametrize(
    "tool",
    [lambda fido: partial(sensitivity_max, fido.attribute), lambda fido: NoiseTunnel(fido).attribute],
    ids=["sensitivity", "noise tunnel"],
)
def test_captums_tools_cannot_take_masks_and_are_told_so(net: nn.Module, images: Tensor, tool) -> None:
    with pytest.raises(ValueError, match="Expected `return_masks=False` within NoiseTunnel"):
        tool(FIDOAttribution(net))(images, target=0, return_masks=True, **QUICK)


def test_further_regions_and_trajectories_leave_noise_tunnel_as_it_is(net: nn.Module, images: Tensor) -> None:
    smooth = NoiseTunnel(FIDOAttribution(net)).attribute(
        images, nt_samples=2, stdevs=0.0, target=0, alternatives=1, trajectory=1, **QUICK
    )
    torch.testing.assert_close(smooth, explain(net, images), rtol=0, atol=5e-3)


@pytest.mark.parametrize("baselines", [(1, 3, 1, 1), (3, 1, 1), (3,), ()], ids=str)
def test_sensitivity_takes_baselines_that_broadcast(net: nn.Module, images: Tensor, baselines) -> None:
    sensitivity = sensitivity_max(
        FIDOAttribution(net).attribute, images, perturb_radius=0.0, n_perturb_samples=2, target=0,
        baselines=torch.zeros(baselines), **QUICK,
    )  # fmt: skip
    assert sensitivity.max() < 5e-3
