"""The network behind a forward function, and whether it is in a state to be explained."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from captum_scd._warnings import warn

NORMS = ("batchnorm", "syncbatchnorm", "instancenorm")
RATES = ("p", "drop_prob", "dropout", "dropout_prob", "drop_rate")
"""What layers that drop something at random call the share of it."""


def module_of(forward_func: Callable[..., Any]) -> nn.Module | None:
    """Find the module behind a forward function: itself, or the one it is a method of."""
    owner = getattr(forward_func, "__self__", forward_func)
    return owner if isinstance(owner, nn.Module) else None


def networks_behind(forward_func: Callable[..., Any]) -> list[nn.Module]:
    """The module behind a forward function, or those that a function or an object of the user's refers to."""
    module = module_of(forward_func)
    if module is not None:
        around = getattr(module, "function", None)
        return [module, *(networks_behind(around) if callable(around) else [])]
    held = [*forward_func.args, forward_func.func] if isinstance(forward_func, partial) else [forward_func]
    function = held[-1]
    held += getattr(getattr(function, "__self__", function), "__dict__", {}).values()
    code = getattr(function, "__code__", None)
    if code is not None:
        held += [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        held += [function.__globals__[name] for name in code.co_names if name in function.__globals__]
    return [found for one in held if (found := module_of(one)) is not None]


def reading(forward_func: Callable[..., Any]) -> str | None:
    """What the outputs of a model are, where `captum_scd.models.logits_of` was told."""
    kind = getattr(module_of(forward_func), "reading", None)
    return kind if isinstance(kind, str) else None


def independent(forward_func: Callable[..., Any]) -> bool:
    """Whether each class of a model is asked about alone, against its absence."""
    return (reading(forward_func) or "").startswith("multilabel")


def check_is_no_layer(infill: object, forward_func: Callable[..., Any]) -> None:
    """Raise for a layer of the model, which methods that look at one are given second."""
    if any(infill is part for network in networks_behind(forward_func) for part in network.modules()):
        raise TypeError(
            "Expected `infill` to say what replaces pixels, but got a layer of the model; "
            "FIDO needs none, so leave it out."
        )


def check_model(forward_func: Callable[..., Any]) -> None:
    """Raise for a model that cannot be differentiated; warn of one in training mode, where that matters."""
    module = module_of(forward_func)
    for network in networks_behind(forward_func):
        _check_differentiable(network)
        different = next((part for part in network.modules() if _acts_in_training(part)), None)
        if different is not None:
            warn(
                f"The model is in training mode, in which its {_kind(different)} acts differently, and its "
                "hundreds of forward passes would alter BatchNorm statistics"
                f"{'' if module is None else ', which are put back'}. Call model.eval() first."
            )
            return


@contextmanager
def in_plain_words(
    forward_func: Callable[..., Any], inputs: tuple[Tensor, ...], count: int
) -> Iterator[None]:
    """Say what is wrong with inputs that a model, or the check of its targets, raises for, where it is known.

    Args:
        forward_func: the model.
        inputs: rows that it is asked about inside.
        count: number of examples that they were made from.
    """
    try:
        yield
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        if "out of memory" in str(error).lower():
            raise
        networks = networks_behind(forward_func)
        expected = next((dtype for network in networks for dtype in _dtypes(network)), inputs[0].dtype)
        if expected != inputs[0].dtype and "type" in str(error) and isinstance(error, RuntimeError):
            raise TypeError(
                f"Expected `inputs` of the model's own dtype, {expected}, but got {inputs[0].dtype}; "
                f"give inputs.to({expected})."
            ) from error
        if _is_one_image(inputs[0], count) and _takes_images(networks):
            shape = (count, *inputs[0].shape[1:])
            raise ValueError(
                f"Expected `inputs` of images (N, C, H, W), but got shape {shape}; give inputs[None] for one."
            ) from error
        raise


def _check_differentiable(module: nn.Module) -> None:
    if any(parameter.is_inference() for parameter in module.parameters()):
        raise RuntimeError(
            "Expected a model that can be differentiated, but its parameters were made under "
            "torch.inference_mode(); build or load it outside."
        )
    quantized = next((part for part in module.modules() if _is_quantized(part)), None)
    if quantized is not None:
        raise RuntimeError(
            f"Expected a model that can be differentiated, but its {_kind(quantized)} is quantised; "
            "explain the floating-point model it was made from."
        )


def _is_quantized(part: nn.Module) -> bool:
    package, _, rest = type(part).__module__.partition(".")
    return package == "torch" and "quantized" in rest


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _acts_in_training(part: nn.Module) -> bool:
    """Whether a part is in training mode, and that makes a difference to what it returns."""
    if not part.training:
        return False
    name = _kind(part).lower()
    if isinstance(part, _NormBase) or name.startswith(NORMS):
        return getattr(part, "running_mean", None) is not None
    return name == "rrelu" or any(_is_share(getattr(part, rate, None)) for rate in RATES)


def _is_share(rate: object) -> bool:
    return isinstance(rate, (int, float)) and not isinstance(rate, bool) and 0 < rate <= 1


def _kind(part: nn.Module) -> str:
    """Name of a module's class, also where it was scripted."""
    return str(getattr(part, "original_name", type(part).__name__))


def _dtypes(network: nn.Module) -> Iterator[torch.dtype]:
    return (parameter.dtype for parameter in network.parameters() if parameter.is_floating_point())


def _is_one_image(inputs: Tensor, count: int) -> bool:
    return inputs.ndim == 3 and count in (1, 3)


def _takes_images(networks: list[nn.Module]) -> bool:
    return any(isinstance(part, nn.Conv2d) for network in networks for part in network.modules())
