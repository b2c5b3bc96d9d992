"""Calling a method with what it takes, whatever it is: an instance of Captum or a function."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from captum_scd.attribution import FIDOAttribution
from captum_scd.comparison.layers import NotApplicableError
from captum_scd.comparison.maps import is_attribution
from captum_scd.comparison.question import Question


@dataclass(frozen=True)
class Call:
    """How a map is made.

    Attributes:
        of: one of Captum's attribution instances, a function `(inputs, target=..., baselines=...)`, or an
            object called as `(input_tensor, targets)`, where the targets pick the score from a row of the
            model's output, as the methods of pytorch-grad-cam are.
        options: keyword arguments beside those that every method is offered.
        note: what the reader of the result should know.
    """

    of: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def __call__(self, question: Question, inputs: Tensor) -> Any:
        """Make the map of a question for inputs (N, C, H, W), and return it as the method does."""
        with torch.enable_grad():
            return _function(self.of)(inputs.clone(), **self.keywords(question))

    def with_masks(self) -> "Call":
        """Ask FIDO for its masks, too; they hold its verdict."""
        if not isinstance(self.of, FIDOAttribution):
            return self
        return replace(self, options={"return_masks": True, **self.options})

    def keywords(self, question: Question) -> dict[str, Any]:
        """Collect what the method takes of what every method is offered, and its own options."""
        parameters, takes_all = _parameters(self.of)
        offered = question.offered
        if _is_captums(self.of):
            offered["internal_batch_size"] = max(question.rows, len(question.inputs))
        if "perturbations_per_eval" in self.options:
            del offered["internal_batch_size"]  # its other name
        if _takes_pickers(self.of):
            offered["targets"] = _pickers(question)
        taken = {name: value for name, value in offered.items() if takes_all or name in parameters}
        return taken | dict(self.options)

    def check(self, name: str, question: Question) -> None:
        """Raise TypeError for options that the method does not take, or for one that it needs and lacks.

        What a method that is not Captum's lacks is left to its row to say.
        """
        parameters, takes_all = _parameters(self.of)
        unknown = [option for option in self.options if option not in parameters]
        if unknown and not takes_all:
            raise TypeError(
                f"Expected keyword arguments that {name!r} takes ({', '.join(parameters)}), "
                f"but got {unknown[0]!r}."
            )
        given = self.keywords(question)
        missing = [key for key, one in parameters.items() if one.default is one.empty and key not in given]
        if missing and is_attribution(self.of):
            raise TypeError(
                f"Expected a value for {missing[0]!r} of {name!r}, as (method, {{{missing[0]!r}: ...}}), "
                "but got none."
            )


def described(error: Exception) -> str:
    """Say in one line why a method gave no map."""
    text = " ".join(str(error).split())
    return text if isinstance(error, NotApplicableError) else f"{type(error).__name__}: {text}"


def _function(of: Any) -> Callable[..., Any]:
    function: Callable[..., Any] = of.attribute if is_attribution(of) else of
    return function


def _is_captums(of: Any) -> bool:
    """Whether Captum's own code makes the map, which takes no cap below the number of images."""
    function = _function(getattr(of, "attribution_method", of))
    return str(getattr(function, "__module__", "")).startswith("captum.")


def _takes_pickers(of: Any) -> bool:
    """Whether a method is called as `(input_tensor, targets)`."""
    try:
        names = list(inspect.signature(_function(of)).parameters)
    except (TypeError, ValueError):
        return False
    return names[:1] == ["input_tensor"] and "targets" in names


def _pickers(question: Question) -> list[Callable[[Tensor], Tensor]]:
    """Make a function per image that picks the score of its class from its row of the model's output."""
    if question.target is None:
        return [Tensor.sum] * len(question.inputs)
    target = question.target
    indices = target.tolist() if isinstance(target, Tensor) else target
    return [partial(_picked, index) for index in indices]  # type: ignore[union-attr]


def _picked(index: Any, row: Tensor) -> Tensor:
    return row[index]


def _parameters(of: Any) -> tuple[dict[str, inspect.Parameter], bool]:
    """Keyword parameters of a method beside its inputs, and whether it takes any other, too.

    Captum's NoiseTunnel hands what it does not know itself to the method inside it.
    """
    try:
        first, *rest = inspect.signature(_function(of)).parameters.values()
    except (TypeError, ValueError):
        return {}, False
    named = {one.name: one for one in rest if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    takes_all = any(one.kind is one.VAR_KEYWORD for one in (first, *rest))
    inner = getattr(of, "attribution_method", None)
    if takes_all and inner is not None:
        within, takes_all = _parameters(inner)
        named = {**within, **named}
    return named, takes_all
