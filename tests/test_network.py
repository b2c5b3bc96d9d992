"""What is said of a network's state: where it makes a difference, and in plain words."""

import warnings
from functools import partial

import pytest
import torch
from models import TinyConv
from quick import explain
from torch import Tensor, nn

from captum_scd import FIDOAttribution, MaskGuidedClassifier, compare, logits_of
from captum_scd.dataset import Explaining
from captum_scd.network import check_model

CONV = nn.Conv2d(3, 4, 3, padding=1)
HEAD = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


def _net(*parts: nn.Module) -> nn.Module:
    return nn.Sequential(CONV, *parts, *HEAD).train()


class DropPath(nn.Module):
    """A layer of the user's that drops something."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.drop_prob = share


class Around(nn.Module):
    """A module around a network in eval mode, which nobody has called eval() on."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = TinyConv().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


class Holding:
    """An object of the user's that is no module, with a network."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net

    def __call__(self, x: Tensor) -> Tensor:
        return self.net(x)

    def ask(self, x: Tensor) -> Tensor:
        return self.net(x)


def _scripted(net: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(net)


NET = _net(nn.BatchNorm2d(4))
MATTERS = {
    "dropout": _net(nn.Dropout(0.2)),
    "batch norm": NET,
    "instance norm with statistics": _net(nn.InstanceNorm2d(4, track_running_stats=True)),
    "rrelu": _net(nn.RReLU()),
    "alpha dropout": _net(nn.AlphaDropout(0.1)),
    "drop path": _net(DropPath(0.1)),
    "attention": nn.MultiheadAttention(4, 2, dropout=0.1),
    "recurrent": nn.GRU(4, 4, 2, dropout=0.1),
    "scripted": _scripted(_net(nn.Dropout(0.2))),
    "function": lambda x: NET(x),
    "partial": partial(lambda net, x: net(x), NET),
    "method": NET.forward,
    "object": Holding(NET),
    "method of an object": Holding(NET).ask,
    "logits_of a function": logits_of(lambda x: NET(x)),
}
MATTERS["closure"] = (lambda net: lambda x: net(x))(NET)
HARMLESS = {
    "nothing that differs": _net(nn.ReLU(), nn.GroupNorm(2, 4)),
    "dropout of nothing": _net(nn.Dropout(0.0), DropPath(0.0)),
    "instance norm": _net(nn.InstanceNorm2d(4)),
    "attention without dropout": nn.MultiheadAttention(4, 2),
    "a pooling of power 3": _net(nn.LPPool2d(3, 2)),
    "around a network in eval mode": Around(),
    "batch norm alone in eval mode": nn.Sequential(CONV, nn.BatchNorm2d(4).eval()),
    "function": lambda x: TinyConv().eval()(x),
}


@pytest.mark.parametrize("model", MATTERS.values(), ids=list(MATTERS))
def test_training_mode_is_warned_of_where_it_matters(model) -> None:
    with pytest.warns(UserWarning, match="training mode") as caught:
        check_model(model)
    assert len(caught) == 1


@pytest.mark.parametrize("model", HARMLESS.values(), ids=list(HARMLESS))
def test_training_mode_is_not_warned_of_where_it_changes_nothing(model) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_model(model)


def test_a_layer_is_no_infill(net: nn.Module, images: Tensor) -> None:
    for model in (net, lambda x: net(x)):
        with pytest.raises(TypeError, match=r"Expected `infill` .* but got a layer of the model"):
            FIDOAttribution(model, net.body)
    painter = nn.Identity()
    assert FIDOAttribution(net, painter).infill is painter


@pytest.mark.parametrize("model", [TinyConv().eval(), nn.Sequential(CONV, *HEAD).eval()])
def test_an_image_without_a_batch_is_told_so(model: nn.Module, images: Tensor) -> None:
    said = r"\(N, C, H, W\), but got shape \(3, 12, 10\); give inputs\[None\]"
    for target in (0, [0]):
        with pytest.raises(ValueError, match=said):
            explain(model, images[0], target)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_half_precision_model_takes_inputs_of_its_dtype(dtype: torch.dtype, images: Tensor) -> None:
    model = TinyConv().eval().to(dtype)
    assert explain(model, images.to(dtype)).dtype == dtype
    said = f"the model's own dtype, {dtype}, but got torch.float32"
    for use in (model, lambda x: model(x)):
        with pytest.raises(TypeError, match=said):
            explain(use, images)
    with pytest.raises(TypeError, match=said):
        compare(model, images, methods=["random"])
    with pytest.raises(TypeError, match=said):
        MaskGuidedClassifier(model)(images)
    assert said in Explaining(model).each(["a"], images[:1])[1]["a"]


def test_errors_of_the_model_itself_stay_what_they_are(images: Tensor) -> None:
    def broken(x: Tensor) -> Tensor:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match=r"^no such thing$"):
        explain(broken, images)
    with pytest.raises(ValueError, match="one row per example"):
        explain(lambda x: TinyConv().eval()(x.float())[:1], images.double())
    with pytest.raises(RuntimeError, match="to have 3 channels"):
        explain(TinyConv().eval(), images[:, :2])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize")
def test_a_quantised_model_is_told_so(net: nn.Module, images: Tensor) -> None:
    quantized = torch.ao.quantization.quantize_dynamic(net, {nn.Linear})
    for model in (quantized, lambda x: quantized(x)):
        with pytest.raises(RuntimeError, match="its Linear is quantised; explain the floating-point model"):
            explain(model, images)
