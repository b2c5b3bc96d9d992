"""The user's model and random state, before and after methods without manners."""

from contextlib import nullcontext, suppress
from typing import Any

import pytest
import torch
from models import TinyConv
from torch import Tensor, nn

from captum_scd import compare
from captum_scd.comparison import DEFAULT_METHODS, parameter_randomization


class Worn(nn.Module):
    """A network with hooks, gradients, dropout and a frozen layer, partly in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.net = TinyConv()
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.5)
        self.net.head.weight.requires_grad_(False)
        self.net.body[0].weight.grad = torch.ones_like(self.net.body[0].weight)
        self.net.body[0].register_forward_hook(lambda *_: None)
        self.relu.register_full_backward_hook(lambda *_: None)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.relu(self.net(x)))


def _state(model: nn.Module, inputs: Tensor) -> dict[str, Any]:
    return {
        "values": [value.clone() for value in model.state_dict().values()],
        "flags": [parameter.requires_grad for parameter in model.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "identity": [id(p.grad) if p.grad is not None else None for p in model.parameters()],
        "modes": [(part.training, part._is_full_backward_hook) for part in model.modules()],
        "hooks": [
            {name: list(hooks) for name, hooks in vars(part).items() if "hooks" in name and hooks is not None
             and isinstance(hooks, dict)}
            for part in model.modules()
        ],
        "inputs": inputs.detach().clone(),
        "input gradient": inputs.grad,
        "random state": torch.get_rng_state(),
        "grad mode": torch.is_grad_enabled(),
    }  # fmt: skip


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor):
        return isinstance(second, Tensor) and torch.equal(first, second)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return first == second


def _changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    return {name for name in before if not _same(before[name], after[name])}


def _vandal(model: Worn, failure: BaseException | None):
    def method(inputs: Tensor) -> Tensor:
        model.train(not model.training)
        model.net.head.register_forward_hook(lambda *_: None)
        model.net.body[1].register_forward_pre_hook(lambda *_: None, with_kwargs=True)
        model.dropout.register_full_backward_hook(lambda *_: None)
        next(iter(model.relu._backward_hooks))
        model.relu._backward_hooks.clear()
        model(inputs).sum().backward()
        model.requires_grad_(False)
        torch.manual_seed(99)
        torch.rand(5)
        if failure is not None:
            raise failure
        return inputs

    return method


@pytest.mark.filterwarnings("ignore:The model is in training mode")
@pytest.mark.filterwarnings("ignore:Interrupted")
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("failure", [None, ArithmeticError("broken"), KeyboardInterrupt()], ids=repr)
def test_the_model_is_left_as_it_was(images: Tensor, training: bool, failure) -> None:
    model = Worn().train(training)
    inputs = images.requires_grad_()
    before = _state(model, inputs)
    with suppress(KeyboardInterrupt):
        compare(model, inputs, methods={"first": _vandal(model, None), "vandal": _vandal(model, failure)})
    assert _changed(before, _state(model, inputs)) == set()


@pytest.mark.filterwarnings("ignore:The model is in training mode")
@pytest.mark.parametrize("training", [False, True])
def test_named_methods_leave_it_as_it_was(images: Tensor, training: bool) -> None:
    model = Worn().train(training)
    methods = {name: (name, {"n_iterations": 2}) if name == "fido" else name for name in DEFAULT_METHODS}
    before = _state(model, images)
    compare(model, images, methods=methods)
    assert _changed(before, _state(model, images)) == set()


def test_errors_in_arguments_leave_it_as_it_was(images: Tensor) -> None:
    model = Worn().eval()
    before = _state(model, images)
    for options in ({"target": 9}, {"methods": ["nothing"]}, {"metrics": []}):
        with pytest.raises((IndexError, ValueError)):
            compare(model, images, **options)
    assert _changed(before, _state(model, images)) == set()


def test_hooks_of_the_user_can_still_be_removed(images: Tensor) -> None:
    model = Worn().eval()
    handle = model.net.head.register_forward_hook(lambda *_: None)
    compare(model, images, methods=[_vandal(model, None)])
    handle.remove()
    assert not model.net.head._forward_hooks


@pytest.mark.parametrize("interrupt", [False, True])
def test_randomising_works_on_a_copy(images: Tensor, interrupt: bool) -> None:
    model = Worn().eval()
    before = _state(model, images)

    def impatient(inputs: Tensor) -> Tensor:
        raise KeyboardInterrupt

    methods = ["gradcam", impatient] if interrupt else ["gradcam"]
    with pytest.raises(KeyboardInterrupt) if interrupt else nullcontext():
        parameter_randomization(model, images, methods=methods)
    assert _changed(before, _state(model, images)) == set()
