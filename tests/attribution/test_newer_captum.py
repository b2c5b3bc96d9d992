"""Newer Captum turns a perturbation method away unless its `attribute` is under no_grad."""

import pkgutil
from importlib import import_module
from typing import Any

import captum
import pytest
import torch
from captum.attr import PerturbationAttribution
from quick import explain
from torch import Tensor, nn

import captum_scd
from captum_scd import FIDOAttribution


class Newer:
    """A base class with the rule of newer Captum: an `attribute` of its own must be decorated by no_grad."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "attribute" in vars(cls) and not _under_no_grad(vars(cls)["attribute"]):
            raise TypeError(f"{cls.__name__}.attribute is not decorated by torch.no_grad()")


def _under_no_grad(function: Any) -> bool:
    """Find torch.no_grad() in what the decorators of a function hold, one inside the other."""
    while function is not None:
        held = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
        if any(isinstance(getattr(one, "__self__", one), torch.no_grad) for one in held):
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def _ours() -> set[type]:
    """All perturbation methods of the package, wherever they stand."""
    for module in pkgutil.walk_packages(captum_scd.__path__, "captum_scd."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found, waiting = set(), [PerturbationAttribution]
    while waiting:
        below = waiting.pop().__subclasses__()
        waiting += below
        found |= {one for one in below if one.__module__.startswith("captum_scd.")}
    return found


def _made_again(method: type) -> type:
    """Make the class anew, under the rule."""
    return type(method.__name__, (Newer, PerturbationAttribution), {"attribute": vars(method)["attribute"]})


def test_the_rule_turns_away_what_runs_with_gradients() -> None:
    with pytest.raises(TypeError, match="not decorated"):
        type("Bare", (Newer, PerturbationAttribution), {"attribute": lambda self, inputs: inputs})


def test_newer_captum_takes_every_method_of_the_package() -> None:
    ours = _ours()
    assert FIDOAttribution in ours
    for method in ours:
        if "attribute" in vars(method):
            assert issubclass(_made_again(method), PerturbationAttribution)


def test_baselines_that_newer_captum_refuses_are_taken(net: nn.Module, images: Tensor, monkeypatch) -> None:
    def refuse(inputs: Any, baselines: Any, *_: Any) -> None:
        assert all(
            not isinstance(b, Tensor) or b.shape == x.shape for x, b in zip(inputs, baselines, strict=True)
        )

    for module in (captum._utils.common, captum_scd._captum):
        monkeypatch.setattr(module, "_validate_input", refuse, raising=False)
    for shape in ((1, 3, 1, 1), (3, 1, 1), (3,), ()):
        assert torch.equal(
            explain(net, images, baselines=torch.ones(shape)), explain(net, images, baselines=1.0)
        )


def test_a_method_made_from_fido_may_leave_attribute_as_it_is() -> None:
    assert issubclass(type("Finer", (Newer, FIDOAttribution), {}), FIDOAttribution)


def test_noise_tunnel_finds_the_function_within_the_decorators() -> None:
    assert callable(FIDOAttribution.attribute.__wrapped__)
