"""Randomising a network from the top: which parameters, in which order, and with what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any

import torch
from torch import Generator, nn


@dataclass(frozen=True)
class Stage:
    """Parameters that are randomised together.

    Attributes:
        name: of the last layer among them.
        parameters: names of the parameters.
    """

    name: str
    parameters: tuple[str, ...]


def stages_from_the_top(model: nn.Module, run: Callable[[], Any], n_stages: int) -> list[Stage]:
    """Spread all layers evenly over stages, the top layer first and alone.

    Args:
        model: the network.
        run: runs it once.
        n_stages: most stages.

    Raises:
        ValueError: for a model without parameters.
    """
    layers = _from_the_top(model, run)
    if not layers:
        raise ValueError("Expected a model with parameters, but it has none that could be randomised.")
    ends = (
        torch.linspace(1, len(layers), min(n_stages, len(layers)), dtype=torch.float32, device="cpu")
        .round()
        .long()
        .tolist()
    )
    ends[-1] = len(layers)
    return [_stage(model, layers[start:end], recurse=False) for start, end in pairwise([0, *ends])]


def named_stages(model: nn.Module, layers: Sequence[str]) -> list[Stage]:
    """Make a stage of each module that is named, with all that is in it.

    Raises:
        ValueError: for a module that there is not, or that has no parameters; for no modules at all.
    """
    known = dict(model.named_modules())
    unknown = [name for name in layers if name not in known]
    if unknown:
        raise ValueError(f"Expected `layers` to name modules of the model, but it has no {unknown[0]!r}.")
    stages = [_stage(model, [name], recurse=True) for name in layers]
    if not stages or not all(stage.parameters for stage in stages):
        came = next((repr(stage.name) for stage in stages if not stage.parameters), "none")
        raise ValueError(f"Expected `layers` to name modules with parameters, but got {came}.")
    return stages


@torch.no_grad()
def redraw(model: nn.Module, stage: Stage, generator: Generator) -> None:
    """Draw the parameters of a stage anew, each from a normal distribution with its own mean and spread."""
    for name in stage.parameters:
        parameter = model.get_parameter(name)
        values = parameter.float()
        noise = torch.randn(values.shape, generator=generator, dtype=torch.float32, device="cpu").to(values)
        parameter.copy_(values.mean() + values.std(correction=0) * noise)


def _from_the_top(model: nn.Module, run: Callable[[], Any]) -> list[str]:
    """Names of the modules with parameters of their own, the one that began last first.

    One that is never called itself (its parameters are used by the module around it) stands beside that.
    """
    began: dict[str, int] = {}
    clock = count()

    def note(name: str) -> Callable[..., None]:
        return lambda module, inputs: began.update({name: next(clock)})

    handles = [part.register_forward_pre_hook(note(name)) for name, part in model.named_modules()]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    owners = [name for name, part in model.named_modules() if _own_parameters(part)]
    return sorted(owners, key=lambda name: _beginning(name, began), reverse=True)


def _beginning(name: str, began: dict[str, int]) -> int:
    while name and name not in began:
        name = name.rpartition(".")[0]
    return began.get(name, -1)


def _own_parameters(part: nn.Module) -> bool:
    return any(one.is_floating_point() for one in part.parameters(recurse=False))


def _stage(model: nn.Module, layers: Sequence[str], recurse: bool) -> Stage:
    parameters = [
        f"{layer}.{name}".removeprefix(".")
        for layer in layers
        for name, one in model.get_submodule(layer).named_parameters(recurse=recurse)
        if one.is_floating_point()
    ]
    return Stage(layers[-1] or "(the model itself)", tuple(parameters))
