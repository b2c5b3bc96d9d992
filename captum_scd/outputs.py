"""What networks return: where the logits are in it, and whether they are logits at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from captum_scd._warnings import warn

SURELY_SEVERAL = 8
"""Outputs that do not all lie in (0, 1) by chance, where it cannot be seen what made them."""

_PASSING_ON = (
    "View", "UnsafeView", "Reshape", "Alias", "Squeeze", "Unsqueeze", "Select", "Slice", "Transpose", "T",
    "Permute", "Clone", "ToCopy", "Expand", "AsStrided",
)  # fmt: skip
"""Operations, by the names autograd gives them, that leave values as they are."""

_LINEAR = ("Addmm", "Mm", "Convolution")
"""Operations that logits come from, and probabilities do not."""

_POOLING = ("Mean", "Add", "Sum")
"""Operations that logits come from, and probabilities of an ensemble, which sum to 1."""


class NoLogitsError(TypeError):
    """A network returns something in which its logits are not found; the message says what to write."""


def logits_in(output: object) -> Tensor:
    """Find the logits in what a network returns.

    Args:
        output: a tensor; an object with `logits`, as Hugging Face's models return; a mapping with
            `"logits"`; or a tuple of one of these.

    Raises:
        NoLogitsError: for anything else, a TypeError.

    >>> logits_in({"logits": torch.zeros(2, 5), "features": torch.zeros(2, 8)}).shape
    torch.Size([2, 5])
    """
    found = find_logits(output)
    if found is None:
        raise NoLogitsError(
            f"Expected the model to return logits in a tensor, but got {type(output).__name__}; say where in "
            f"it they are: captum_scd.models.logits_of(model, read=lambda out: out{_place(output)})."
        )
    return found


def find_logits(output: object) -> Tensor | None:
    """Find the logits in what a network returns, as `logits_in` does; None where there are none."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, tuple) and len(output) == 1:
        return find_logits(output[0])
    named = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    return named if isinstance(named, Tensor) else None


def _place(output: object) -> str:
    """Where the logits most likely are, as one writes it in Python."""
    if isinstance(output, Mapping):
        tensors = [name for name, value in output.items() if isinstance(value, Tensor)]
        return f"[{(tensors or [*output] or ['logits'])[0]!r}]"
    if isinstance(output, (tuple, list)):
        return f"[{next((at for at, value in enumerate(output) if isinstance(value, Tensor)), 0)}]"
    tensors = [name for name, value in getattr(output, "__dict__", {}).items() if isinstance(value, Tensor)]
    return f".{(tensors or ['logits'])[0]}"


@dataclass
class Suspicion:
    """Warns of probabilities where logits are expected; one look at the first output is enough.

    Attributes:
        looked: whether it has looked.
    """

    looked: bool = False

    def look(self, output: Tensor, again: Callable[[], Tensor]) -> None:
        """Look at an output.

        Args:
            output: (rows, ...), classes along dimension 1.
            again: makes some rows of it anew, so that autograd knows what they came from.
        """
        if self.looked:
            return
        self.looked = True
        kind = _kind(output.detach(), output if output.requires_grad else None, again)
        if kind is not None:
            warn(_words(kind, output.ndim == 1 or output.shape[1] == 1))


def _kind(values: Tensor, traced: Tensor | None, again: Callable[[], Tensor]) -> str | None:
    """Tell which option of `logits_of` turns such values into logits, None where they may be logits."""
    if not ((values >= 0) & (values <= 1)).all():
        return None
    with torch.enable_grad():
        operation = _last_operation(again() if traced is None else traced)
    if operation in _LINEAR:
        return None
    if values.ndim > 1 and values.shape[1] > 1 and ((values.sum(1) - 1).abs() < 1e-3).all():
        return "probabilities"
    several = values.ndim > 1 and values.shape[1] >= SURELY_SEVERAL and bool((values > 0).all())
    if operation == "Sigmoid" or (several and operation not in _POOLING):
        return "probabilities" if values.ndim == 1 or values.shape[1] == 1 else "multilabel"
    return None


def _last_operation(output: Tensor) -> str:
    """Name the operation that gave an output its values, as autograd calls it; empty where it is not told."""
    node = output.grad_fn
    while node is not None and _operation(node) in _PASSING_ON and node.next_functions:
        node = node.next_functions[0][0]
    return "" if node is None else _operation(node)


def _operation(node: object) -> str:
    return type(node).__name__.partition("Backward")[0]


def _words(kind: str, alone: bool) -> str:
    if kind == "multilabel":
        seen = "are all between 0 and 1, as those of a sigmoid"
    else:
        seen = "is between 0 and 1, as that of a sigmoid" if alone else "are probabilities that sum to 1"
    return (
        f"The model's {'output' if alone else 'outputs'} {seen}, but scores and probabilities are made of "
        f'logits. Explain logits_of(model, output="{kind}") from captum_scd.models, or the model without its '
        'last layer; if these are logits, logits_of(model, output="logits") says so.'
    )
