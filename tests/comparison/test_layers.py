"""GradCAM's layer in networks of all shapes."""

import architectures
import pytest
import torch
from architectures import Tokens, settled
from torch import Tensor, nn

from captum_scd.comparison import compare
from captum_scd.comparison.layers import NotApplicableError, feature_layer


def _find(model: nn.Module, images: Tensor):
    model.eval()
    with torch.no_grad():
        return feature_layer(model, lambda: model(images))


@pytest.mark.parametrize(
    ("build", "name", "shape"),
    [
        (architectures.vgg, "0.4", (6, 6, 5)),
        (architectures.squeezenet, "0", (6, 10, 8)),
        (architectures.resnet, "1", (4, 10, 8)),
        (architectures.convnext, "0", (4, 6, 5)),
        (architectures.squeeze_and_excite, "2", (4, 10, 8)),
        (architectures.only_class_maps, "0", (5, 10, 8)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_last_map_of_features_is_found(images: Tensor, build, name: str, shape: tuple[int, ...]) -> None:
    step = _find(build(), images)
    assert (step.name, step.shape) == (name, (3, *shape))


def test_the_module_is_that_of_the_name(images: Tensor) -> None:
    model = architectures.vgg()
    assert _find(model, images).module is model.get_submodule("0.4")


def test_a_transformer_is_left_out_for_its_tokens(images: Tensor) -> None:
    with pytest.raises(NotApplicableError, match=r"after its last convolution, in 'embed', .* tokens"):
        _find(Tokens(), images)


def test_a_network_without_convolutions_is_left_out(images: Tensor) -> None:
    with pytest.raises(NotApplicableError, match="no convolution"):
        _find(architectures.perceptron(), images)


def test_a_convolution_of_a_single_place_is_no_map() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(4, 5))
    with pytest.raises(NotApplicableError, match="no convolution"):
        _find(model, torch.ones(1, 3, 1, 1))


def test_a_function_has_no_layers(images: Tensor) -> None:
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module, but got function"):
        feature_layer(lambda x: x, lambda: None)


def test_no_hook_is_left_also_after_an_error(images: Tensor) -> None:
    model = settled(architectures.vgg())

    def fail() -> None:
        model(images)
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        feature_layer(model, fail)
    assert not any(part._forward_hooks for part in model.modules())


def test_torchscript_is_compared_by_what_needs_no_layers(images):
    model = torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval())
    rows = compare(model, images, 0, ["saliency", "gradcam"], ["total_variation"]).rows
    assert (rows["saliency"].status, rows["gradcam"].status) == ("done", "left out")
    assert "TorchScript" in rows["gradcam"].note
