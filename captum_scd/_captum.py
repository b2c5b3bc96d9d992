"""The only file that touches Captum's private helpers, so that a rename there is mended here."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from captum._utils.common import (
    _format_additional_forward_args,
    _format_output,
    _is_tuple,
    _select_targets,
    _validate_target,
)
from captum._utils.progress import NullProgress, progress
from captum.attr._utils.attribution import PerturbationAttribution
from captum.log import log_usage
from torch import Tensor

Baselines = Tensor | int | float | tuple[Tensor | int | float, ...] | None
Target = int | tuple[int, ...] | Tensor | list[int] | list[tuple[int, ...]] | None

TOOLS = ("captum.attr._core.noise_tunnel", "captum.metrics")
"""Modules that repeat the examples, and call an attribution method with the rest as it was given."""

BETWEEN = ("captum_scd.", "captum.log", "torch.")
"""What stands between a method and its caller: the package itself, and decorators."""

__all__ = [
    "Baselines",
    "PerturbationAttribution",
    "Target",
    "asked_by_tools",
    "format_additional_forward_args",
    "format_output",
    "is_tuple",
    "log_usage",
    "progress_bar",
    "select_targets",
    "validate_target",
    "within_tools",
]


def is_tuple(inputs: object) -> bool:
    """Tell a tuple of tensors from one tensor; anything else raises Captum's error."""
    return bool(_is_tuple(inputs))


def format_additional_forward_args(additional_forward_args: object) -> tuple[Any, ...]:
    """Wrap additional forward arguments into a tuple, empty for None."""
    return tuple(_format_additional_forward_args(additional_forward_args) or ())


def format_output(as_tuple: bool, attributions: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    """Undo the wrapping of a lone input into a 1-tuple."""
    output: Tensor | tuple[Tensor, ...] = _format_output(as_tuple, attributions)
    return output


def select_targets(output: Tensor, target: Target) -> Tensor:
    """Pick the target's value in each row, for every form of target that Captum knows."""
    selected: Tensor = _select_targets(output, target)
    return selected


def validate_target(num_examples: int, target: Target) -> None:
    """Raise `AssertionError` where a list or tensor of targets does not have one entry per example."""
    _validate_target(num_examples, target)


def within_tools() -> bool:
    """Tell whether this runs within NoiseTunnel or one of Captum's metrics, which repeat the examples."""
    return any(name.startswith(TOOLS) for name in _callers())


def asked_by_tools() -> bool:
    """Tell whether one of them has called the package itself, with no function of the user's between."""
    return next((name for name in _callers() if not name.startswith(BETWEEN)), "").startswith(TOOLS)


def _callers() -> Iterator[str]:
    """Names of the modules whose functions are running, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield str(frame.f_globals.get("__name__", ""))
        frame = frame.f_back


@contextmanager
def progress_bar(description: str, total: int | None, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show Captum's progress bar on standard error; yields a function that is told the steps done so far.

    A total of None stands for one that is not known.
    """
    with progress(desc=description, total=total) if shown else NullProgress() as bar:
        done = 0

        def advance_to(step: int) -> None:
            nonlocal done
            bar.update(step - done)
            done = step

        yield advance_to
