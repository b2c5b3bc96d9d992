"""Captum's own tools, run on FIDO."""

import pytest
import torch
from captum.attr import NoiseTunnel, visualization
from captum.metrics import infidelity, infidelity_perturb_func_decorator, sensitivity_max
from matplotlib.figure import Figure
from quick import QUICK, explain
from torch import Tensor, nn

from captum_scd import FIDOAttribution

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
