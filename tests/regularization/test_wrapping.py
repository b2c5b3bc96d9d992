"""The model stays the user's, its state, hooks and files; what does not fit is named."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from models import TinyConv
from torch import Tensor, nn

from captum_scd.regularization import SaliencyGuidedDropout

LABELS = torch.tensor([3, 0, 4])


def test_a_saved_state_loads_strictly_into_the_plain_model_and_back(tmp_path: Path) -> None:
    sgdrop, plain = SaliencyGuidedDropout(TinyConv(), "body", momentum=0.9), TinyConv()
    torch.save(sgdrop.state_dict(), tmp_path / "model.pt")
    plain.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    assert all(map(torch.equal, plain.state_dict().values(), sgdrop.state_dict().values()))
    other = SaliencyGuidedDropout(TinyConv(), "body")
    result = other.load_state_dict(plain.state_dict())
    assert not result.missing_keys
    assert not result.unexpected_keys
    assert all(map(torch.equal, other.parameters(), plain.parameters()))


def test_inside_another_module_the_state_is_that_of_the_plain_model_there() -> None:
    outer, plain = (nn.Sequential(nn.Identity(), part) for part in (TinyConv(), TinyConv()))
    outer[1] = SaliencyGuidedDropout(outer[1], "body")
    plain.load_state_dict(outer.state_dict())
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(1)
    outer.load_state_dict(plain.state_dict())
    assert all(map(torch.equal, outer.parameters(), plain.parameters()))
    with pytest.raises(RuntimeError, match="Missing"):
        outer.load_state_dict({})


def test_parameters_are_the_models_own_and_in_order() -> None:
    net = TinyConv()
    assert all(
        a is b for a, b in zip(SaliencyGuidedDropout(net, "head").parameters(), net.parameters(), strict=True)
    )


def test_the_hook_is_there_in_training_mode_only() -> None:
    net = TinyConv()
    sgdrop = SaliencyGuidedDropout(net, net.body)
    counts = [len(sgdrop.train(mode).layer._forward_hooks) for mode in (True, True, False, False, True)]
    assert counts == [1, 1, 0, 0, 1]


def test_in_training_mode_the_model_alone_is_still_the_plain_model(images: Tensor) -> None:
    net = TinyConv()
    SaliencyGuidedDropout(net, net.body, 0.5)(images, target=LABELS).sum().backward()
    net.eval()
    alone = net(images)
    net.body._forward_hooks.clear()
    assert torch.equal(alone, net(images))


def test_it_pickles_with_a_step_behind_it(images: Tensor) -> None:
    sgdrop = SaliencyGuidedDropout(TinyConv(), "body", 0.3)
    sgdrop(images, target=LABELS).sum().backward()
    twin = pickle.loads(pickle.dumps(sgdrop))
    assert torch.equal(twin(images, target=LABELS), sgdrop(images, target=LABELS))


def test_settings_move_with_the_module() -> None:
    assert SaliencyGuidedDropout(TinyConv(), "body", momentum=0.5).double().threshold.dtype == torch.float64


SETTINGS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "rate of 1": ({"rate": 1.0}, ValueError, r"`rate` to be in \[0, 1\), but got 1.0"),
    "negative rate": ({"rate": -0.1}, ValueError, "`rate`"),
    "rate as a word": ({"rate": "low"}, TypeError, "`rate` to be a number, but got 'low'"),
    "momentum of 1": ({"momentum": 1}, ValueError, "`momentum`"),
    "unknown unit": ({"unit": "pixel"}, ValueError, "'feature', 'channel', 'position', but got 'pixel'"),
    "the batch as channels": ({"channel_dim": 0}, ValueError, "but got 0, the batch"),
    "an attribution by name": ({"attribution": "gradcam"}, TypeError, "but got 'gradcam'"),
    "a name of no layer": ({"layer": "tail"}, ValueError, "found no 'tail' in it"),
    "another model's layer": ({"layer": nn.ReLU()}, ValueError, r"found no ReLU\(\) in it"),
}


@pytest.mark.parametrize(("options", "error", "message"), SETTINGS.values(), ids=list(SETTINGS))
def test_bad_settings_are_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SaliencyGuidedDropout(TinyConv(), **{"layer": "body", **options})


TARGETS: dict[str, tuple[Any, type[Exception], str | None]] = {
    "none": (None, AssertionError, "Expected a `target`"),
    "too large": (5, IndexError, r"but got \[5\]"),
    "too few": ([0], AssertionError, None),
    "soft labels of another shape": (torch.rand(3, 4), ValueError, r"got \(3, 4\) and \(3, 5\)"),
}


@pytest.mark.parametrize(("target", "error", "message"), TARGETS.values(), ids=list(TARGETS))
def test_bad_targets_are_refused(images: Tensor, target: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SaliencyGuidedDropout(TinyConv(), "body")(images, target=target)


def test_a_schedule_out_of_range_is_refused(images: Tensor) -> None:
    with pytest.raises(ValueError, match="`rate` to be in"):
        SaliencyGuidedDropout(TinyConv(), "body", lambda step: 2.0)(images, target=0)


class Odd(nn.Module):
    """A network whose layers answer in ways that cannot be dropped from."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.net, self.layer = kind, TinyConv(), nn.Identity()

    def forward(self, x: Tensor) -> Any:
        if self.kind == "runs twice":
            return self.net(self.layer(self.layer(x)))
        if self.kind == "never runs":
            return self.net(x)
        if self.kind == "tuple":
            return self.net(self.layer((x, x))[0])
        if self.kind == "unused":
            return self.net(x + 0 * self.layer(x).detach())
        if self.kind == "no graph":
            with torch.no_grad():
                x = self.layer(x)
            return self.net(x)
        return {"scores": self.net(self.layer(x))}


KINDS = {
    "runs twice": (ValueError, "run once in a forward pass, but it ran 2 times"),
    "never runs": (ValueError, "ran 0 times"),
    "tuple": (TypeError, "but got tuple; choose a layer inside it"),
    "unused": (RuntimeError, "no gradient flows there"),
    "no graph": (RuntimeError, "no gradient flows there"),
    "dictionary": (TypeError, "to return logits in a tensor, but got dict"),
}


@pytest.mark.parametrize(("kind", "error", "message"), [(k, *v) for k, v in KINDS.items()], ids=list(KINDS))
def test_layers_and_models_that_do_not_fit_are_named(
    images: Tensor, kind: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        SaliencyGuidedDropout(Odd(kind), "layer")(images, target=0)


def test_an_attribution_of_another_shape_is_named(images: Tensor) -> None:
    sgdrop = SaliencyGuidedDropout(TinyConv(), "body", attribution=lambda features, gradient: features[:, :4])
    with pytest.raises(ValueError, match=r"output \(3, 24\), but got \(3, 4\)"):
        sgdrop(images, target=0)
