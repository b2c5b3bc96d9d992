"""The sanity check, on networks and methods whose answer is known."""

import architectures
import pytest
import torch
from architectures import Tokens, settled
from captum.attr import LayerGradCam, Saliency
from scipy import stats
from torch import Tensor, nn

from captum_scd.comparison import parameter_randomization
from captum_scd.comparison.cascade import Stage, named_stages, redraw, stages_from_the_top


def edges(inputs: Tensor) -> Tensor:
    """An edge detector: it never asks the model."""
    return (inputs - inputs.roll(1, -1)).abs()


def _stages(model: nn.Module, images: Tensor, n_stages: int = 99):
    with torch.no_grad():
        return stages_from_the_top(model, lambda: model(images), n_stages)


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (architectures.vgg, ["2.4", "2.1", "0.3", "0.0"]),
        (architectures.squeezenet, ["1.1", "0.2.right", "0.2.left", "0.0"]),
        (architectures.convnext, ["3", "0.1.out", "0.1.mlp.1", "0.1.mlp.0", "0.1.depthwise", "0.0"]),
        (Tokens, ["head", "mlp.2", "mlp.0", "attention", "attention.out_proj", "embed"]),
    ],
)  # fmt: skip
def test_layers_are_taken_from_the_top(images: Tensor, build, names: list[str]) -> None:
    model = settled(build())
    assert [stage.name for stage in _stages(model, images)] == names
    assert not any(part._forward_pre_hooks for part in model.modules())


def test_the_order_is_that_of_use_and_not_of_definition() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 2)
            self.body = nn.Linear(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(x))

    assert [stage.name for stage in _stages(Backwards(), torch.ones(1, 3))] == ["head", "body"]


@pytest.mark.parametrize("n_stages", [1, 2, 3, 99])
def test_stages_hold_each_parameter_once_and_the_top_comes_first(images: Tensor, n_stages: int) -> None:
    model = settled(architectures.resnet())
    stages = _stages(model, images, n_stages)
    assert len(stages) <= n_stages
    names = [name for stage in stages for name in stage.parameters]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    if n_stages > 1:
        assert stages[0].parameters == ("4.weight", "4.bias")
    assert stages[-1].name == "0"


def test_named_layers_hold_all_that_is_in_them() -> None:
    model = settled(architectures.resnet())
    first, second = named_stages(model, ["4", "1.0"])
    assert first.parameters == ("4.weight", "4.bias")
    assert set(second.parameters) == {name for name, _ in model.named_parameters() if name.startswith("1.0.")}


def test_parameters_keep_their_mean_and_spread_but_not_their_values() -> None:
    layer = nn.Linear(100, 200)
    with torch.no_grad():
        layer.weight.mul_(3).add_(0.7)
    before = layer.weight.detach().clone()
    redraw(layer, Stage("layer", ("weight",)), torch.Generator())
    assert layer.weight.mean().item() == pytest.approx(before.mean().item(), abs=0.01)
    assert layer.weight.std().item() == pytest.approx(before.std().item(), rel=0.05)
    assert abs(stats.pearsonr(before.flatten(), layer.weight.detach().flatten()).statistic) < 0.05


def test_gradients_of_a_linear_model_lose_all_likeness_at_once() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 40 * 40, 5)).eval()
    images = torch.randn(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    result = parameter_randomization(model, images, 1, ["saliency"])
    assert result.layers == ("1",)
    assert result.correlations["saliency"].shape == (1, 2)
    assert result.scores["saliency"] < 0.1


def test_a_map_that_layers_below_decide_stays_until_they_are_reached(images: Tensor) -> None:
    """The gradient in an image of the sum of one filter is that filter's weights times one number."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(360, 1), nn.Linear(1, 5)).eval()
    result = parameter_randomization(model, images, 1, ["saliency"])
    assert result.layers == ("2", "1")
    torch.testing.assert_close(result.correlations["saliency"][0], torch.ones(3))
    assert result.correlations["saliency"][1].abs().max() < 0.3
    assert 0.5 <= result.scores["saliency"] < 0.65


def test_instances_of_captum_follow_the_copy(images: Tensor) -> None:
    model = settled(architectures.resnet())
    methods = {
        "by name": "saliency",
        "instance": Saliency(model),
        "layer": LayerGradCam(model, model[1]),
        "cam": ("gradcam", {"relu_attributions": False}),
    }
    result = parameter_randomization(model, images, 0, methods)
    assert result.failures == {}
    assert torch.equal(result.correlations["by name"], result.correlations["instance"])
    assert torch.equal(result.correlations["layer"], result.correlations["cam"])


def test_what_never_asks_the_model_is_no_explanation_of_it(net, images: Tensor) -> None:
    other = settled(architectures.vgg())
    methods = {"edges": edges, "other": Saliency(other), "random": "random", "closure": lambda x: net(x) * x}
    result = parameter_randomization(net, images, methods={**methods, "saliency": "saliency"})
    assert set(result.failures) == set(methods)
    assert all("never asked the model" in result.failures[name] for name in ("edges", "other", "random"))
    assert set(result.scores) == {"saliency"}


def test_methods_without_a_meaning_are_failures(images: Tensor) -> None:
    result = parameter_randomization(
        settled(Tokens()), images, methods=["guided_gradcam", "saliency"], n_stages=2
    )
    assert "tokens" in result.failures["guided_gradcam"]
    assert list(result.correlations) == ["saliency"]


def test_a_method_that_fails_on_the_way_is_a_failure(net, images: Tensor) -> None:
    class Tired(Saliency):
        def attribute(self, inputs, target=None):
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls > 2:
                raise ArithmeticError("enough")
            return super().attribute(inputs, target)

    result = parameter_randomization(net, images, methods={"tired": Tired(net), "saliency": "saliency"})
    assert result.failures == {"tired": "ArithmeticError: enough"}
    assert list(result.correlations) == ["saliency"]


def test_flat_maps_have_no_order_and_do_not_count() -> None:
    class Gate(nn.Module):
        """Linear, but blind where its input is dark."""

        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(120, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x.flatten(1).relu())

    images = torch.ones(2, 1, 12, 10)
    images[0] = -1
    result = parameter_randomization(Gate().eval(), images, 0, ["saliency"])
    values = result.correlations["saliency"][0]
    assert values.isnan().tolist() == [True, False]
    assert result.scores["saliency"] == pytest.approx(values[1].abs().item())


def test_the_same_seed_gives_the_same_and_another_another(net, images: Tensor) -> None:
    first, again, other = (
        parameter_randomization(net, images, methods=["saliency"], seed=seed).correlations["saliency"]
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_figure_has_a_line_a_method(net, images: Tensor) -> None:
    result = parameter_randomization(net, images, methods=["saliency", "gradcam"])
    figure, axes = result.plot(title="Sanity")
    figure.canvas.draw()
    said = " ".join(text.get_text() for text in axes.get_legend().get_texts())
    assert "Saliency" in said
    assert "GradCAM" in said


def test_progress_counts_stages(net, images: Tensor, capsys) -> None:
    parameter_randomization(net, images, methods=["saliency"], layers=["head"], show_progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": ["top"]}, "it has no 'top'"),
        ({"layers": ["body.2"]}, "modules with parameters, but got 'body.2'"),
        ({"layers": []}, "modules with parameters, but got none"),
        ({"n_stages": 0}, "Expected `n_stages` to be at least 1"),
        ({"methods": ["nothing"]}, "but got 'nothing'"),
    ],
)
def test_arguments_that_do_not_fit(net, images: Tensor, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parameter_randomization(net, images, **{"methods": ["saliency"], **options})


def test_models_that_cannot_be_randomised(images: Tensor) -> None:
    with pytest.raises(TypeError, match=r"Expected `model` to be a torch\.nn\.Module, but got function"):
        parameter_randomization(lambda x: x, images)
    blind = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(ValueError, match="Expected a model with parameters"):
        parameter_randomization(blind.eval(), images, methods=["saliency"])
