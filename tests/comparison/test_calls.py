"""Methods of other makers are called the way they want, and what they lack costs their own row only."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from captum_scd import compare
from captum_scd.comparison.maps import stretched

CHEAP = {"metrics": ["total_variation"]}


class CamOfOthers:
    """GradCAM with the signature of pytorch-grad-cam, which gives arrays (N, H, W) in [0, 1]."""

    def __init__(self, model: nn.Module, layer: nn.Module) -> None:
        self.model, self.maps = model, []
        layer.register_forward_hook(lambda part, given, made: self.maps.append(made))

    def __call__(self, input_tensor: Tensor, targets: list | None = None, eigen_smooth: bool = False):
        self.maps.clear()
        outputs = self.model(input_tensor)
        loss = sum(target(output) for target, output in zip(targets, outputs, strict=True))
        (features,) = self.maps
        weights = torch.autograd.grad(loss, features)[0].mean((2, 3), keepdim=True)
        cam = (weights * features).sum(1, keepdim=True).relu().detach()
        large = nn.functional.interpolate(stretched(cam), input_tensor.shape[2:], mode="bilinear")
        return large[:, 0].numpy()


def test_a_cam_of_pytorch_grad_cam_is_asked_for_the_class_of_each_image(net, images: Tensor) -> None:
    cam = CamOfOthers(net, net.body[2])
    comparison = compare(net, images, [3, 1, 2], [cam, "saliency"], **CHEAP)
    assert comparison.rows["CamOfOthers"].note == ""
    by_hand = np.concatenate(
        [cam(one[None], [lambda row, c=c: row[c]]) for one, c in zip(images, [3, 1, 2], strict=True)]
    )
    np.testing.assert_allclose(comparison.maps["CamOfOthers"][:, 0], by_hand, atol=1e-6)
    assert by_hand.max() > 0


def test_targets_of_more_dimensions_and_none_are_picked_too(images: Tensor) -> None:
    grid = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(240, 6), nn.Unflatten(1, (2, 3))).eval()
    one = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(240, 1)).eval()
    for model, target in ((grid, [(0, 1), (1, 2), (0, 0)]), (one, None)):
        row = compare(model, images, target, [CamOfOthers(model, model[0])], **CHEAP).rows["CamOfOthers"]
        assert row.status == "done", row.note


def test_options_of_such_a_cam_are_its_own(net, images: Tensor) -> None:
    pair = CamOfOthers(net, net.body[2]), {"eigen_smooth": True}
    assert compare(net, images, methods=[pair], **CHEAP).rows["CamOfOthers"].status == "done"


def test_a_method_that_needs_what_nobody_has_is_a_row(net, images: Tensor) -> None:
    def strange(inputs: Tensor, prompt: str) -> Tensor:
        return inputs

    rows = compare(net, images, methods=[strange, "saliency"], **CHEAP).rows
    assert [row.status for row in rows.values()] == ["failed", "done"]
    assert "prompt" in rows["strange"].note


@pytest.mark.parametrize("logit", [0.0, 1e4, -1e4], ids=["indifferent", "always sure", "never"])
def test_degenerate_maps_and_models_break_no_measure_and_no_panel(images: Tensor, logit: float) -> None:
    def model(x: Tensor) -> Tensor:
        return torch.tensor([logit, 0.0, 0.0]) + 0 * x.mean((1, 2, 3))[:, None]

    methods = {
        "flat": torch.ones_like,
        "least": lambda x: torch.full_like(x, 1e-45),
        "whole numbers": lambda x: torch.ones(len(x), 12, 10, dtype=torch.bool),
        "one place": lambda x: torch.ones(len(x), 1, 1, 1),
        "too large": lambda x: torch.full_like(x, 3e38),
        "saliency": "saliency",
    }
    comparison = compare(model, images, 0, methods)
    assert comparison.rows.pop("too large").note.startswith("ValueError: Expected finite attributions")
    for row in comparison.rows.values():
        assert row.status == "done", row.note
        assert set(row.values) == set(comparison.measures)
        assert row.values["difference"].isfinite().all()
    for scale in ("rank", "percentile"):
        comparison.plot(scale=scale)[0].canvas.draw()
    comparison.plot_curves()[0].canvas.draw()


def test_a_map_without_channels_from_a_function_is_taken(net, images: Tensor) -> None:
    def flat_array(inputs: Tensor) -> np.ndarray:
        return inputs.mean(1).numpy()

    found = compare(net, images, methods=[flat_array], **CHEAP).maps["flat_array"]
    torch.testing.assert_close(found, images.mean(1, keepdim=True))
