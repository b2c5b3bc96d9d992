"""The model as it was: hooks, modes, flags, gradients, buffers are put back, whatever a method did."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from captum_scd.forward import copied, preserved
from captum_scd.network import module_of


@contextmanager
def untouched(model: Callable[..., Any], device: torch.device, seed: int) -> Iterator[None]:
    """Let a method work, and put the model and the global random state back afterwards.

    Inside, global random numbers start from the seed, so that a method that draws them gives the same map
    wherever it stands among the others.
    """
    with preserved(model, [device], seed), _quiet():
        restore = _memory(model)
        try:
            with _copies_handed_to(model):
                yield
        finally:
            restore()


@contextmanager
def _copies_handed_to(model: Callable[..., Any]) -> Iterator[None]:
    """Let a network that changes its input in place change a copy: methods call it several times on one.

    Functions and TorchScript, which takes no hooks, are handed what there is.
    """
    module = module_of(model)
    if module is None or isinstance(module, torch.jit.ScriptModule):
        yield
        return
    handle = module.register_forward_pre_hook(lambda _, *given: copied(given), prepend=True, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Captum from telling, each time, that it sets hooks and asks for gradients; both are put back."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"captum\.")
        yield


def _memory(model: Callable[..., Any]) -> Callable[[], None]:
    """Note how a model is; the function that is returned puts it back."""
    module = module_of(model)
    if module is None:
        return lambda: None
    parts = [_part_memory(part) for part in module.modules()]
    parameters = [_parameter_memory(parameter) for parameter in module.parameters()]

    def restore() -> None:
        for put_back in parts + parameters:
            put_back()

    return restore


def _part_memory(part: nn.Module) -> Callable[[], None]:
    hooks = {name: dict(value) for name, value in vars(part).items() if _holds_hooks(name, value)}
    training, full = part.training, part._is_full_backward_hook

    def put_back() -> None:
        part.training, part._is_full_backward_hook = training, full
        for name, before in hooks.items():
            if vars(part)[name] != before:  # handles refer to the dictionary itself, so it stays
                vars(part)[name].clear()
                vars(part)[name].update(before)

    return put_back


def _holds_hooks(name: str, value: object) -> bool:
    return isinstance(value, dict) and name.startswith(("_forward_", "_backward_"))


def _parameter_memory(parameter: nn.Parameter) -> Callable[[], None]:
    flag, gradient = parameter.requires_grad, parameter.grad
    values = [] if gradient is None else [_value_memory(gradient)]

    def put_back() -> None:
        parameter.requires_grad_(flag)
        parameter.grad = gradient
        for restore in values:
            restore()

    return put_back


def _value_memory(tensor: Tensor) -> Callable[[], None]:
    values = tensor.detach().clone()

    def put_back() -> None:
        tensor.detach().copy_(values)

    return put_back
