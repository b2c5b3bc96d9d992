"""`logits_of`: anything that classifies, as a module that returns logits."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from captum_scd._strategies import Strategies
from captum_scd.network import module_of
from captum_scd.outputs import logits_in

Read = Callable[[Any], Any]


def logits_of(model: Callable[..., Any], *, output: str | None = None, read: Read | None = None) -> nn.Module:
    """Turn any classifier into a module that returns logits, which every part of this package takes.

    That is FIDO, `compare`, `MaskGuidedClassifier`, `SaliencyGuidedDropout`, `explain_dataset`, the metrics,
    `--model` of the command line, and Captum's methods. The model stays as it is. It is a submodule of what
    is returned, so that methods which need a layer find it.

    Args:
        model: an `nn.Module`, a scripted one, a method of one, or any function.
        output: what the model's numbers are; without it, a warning comes if they look like probabilities:

            - `"logits"`: logits of classes that exclude each other.
            - `"probabilities"`: probabilities of such classes, after a softmax; or a single sigmoid.
            - `"multilabel"`: classes that do not exclude each other. Each is asked about alone, against its
              absence: its log-odds are its own logit, its probability is the sigmoid of that. Logits, or
              sigmoid probabilities if all numbers of the first batch are in [0, 1]; later numbers outside
              [0, 1] are then an error. `"multilabel_logits"` and `"multilabel_probabilities"` say which.
            - `"binary"`: one logit z, as two classes, absent and present, with the logits 0 and z.

            None takes them as `"logits"`.
        read: finds the tensor in what the model returns: `lambda out: out[0]`. By default a tensor is taken
            as it is; of other outputs `.logits`, `["logits"]`, or the only element of a tuple.

    Returns:
        A module that takes what the model takes, and returns logits (N, classes, ...): in the mode, on the
        device and with the parameters of the model.

    Raises:
        TypeError: if the model, or `read`, is not callable; when it is run, if there is no tensor.
        ValueError: for an unknown `output`; when it is run, for outputs that are not what `output` says.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Softmax(dim=1)).eval()
    >>> x = torch.randn(2, 3, 2, 2)
    >>> logits = logits_of(net, output="probabilities")(x)
    >>> torch.allclose(logits.softmax(1), net(x))
    True
    """
    if not callable(model):
        raise TypeError(f"Expected `model` to be callable, but got {type(model).__name__}.")
    if read is not None and not callable(read):
        raise TypeError(f"Expected `read` to be callable, but got {type(read).__name__}.")
    if output is not None and output not in OUTPUTS:
        names = ", ".join(map(repr, OUTPUTS))
        raise ValueError(f"Expected `output` to be one of {names}, but got {output!r}.")
    return Logits(model, output, read)


class Logits(nn.Module):
    """What `logits_of` returns.

    Args:
        model, output, read: as for `logits_of`.

    Attributes:
        model: the module, or the one that the model is a method of; None where it is another function.
        reading: what the outputs of the model are, as `logits_of` was told.
    """

    def __init__(self, model: Callable[..., Any], output: str | None, read: Read | None) -> None:
        super().__init__()
        self.model = module_of(model)
        self.function = None if self.model is model else model
        self.reading, self.read = output, read
        self._form = output
        self.training = False if self.model is None else self.model.training

    def forward(self, *inputs: Any, **arguments: Any) -> Tensor:
        """Run the model, and return its logits (N, classes, ...)."""
        run = self.model if self.function is None else self.function
        assert run is not None  # one of the two is there
        output = run(*inputs, **arguments)
        numbers = logits_in(output if self.read is None else self.read(output))
        numbers = numbers[:, None] if numbers.ndim == 1 else numbers
        if self._form == "multilabel":
            self._form = _told_apart(numbers)
        return numbers if self._form is None else OUTPUTS[self._form](numbers)


def _of_logits(numbers: Tensor) -> Tensor:
    return numbers


def _of_probabilities(numbers: Tensor) -> Tensor:
    """log p, whose softmax is p; log p - log(1 - p) of a single one."""
    _check_unit(numbers, "probabilities")
    return _log_odds(numbers) if numbers.shape[1] == 1 else _log(numbers)


def _of_independent_probabilities(numbers: Tensor) -> Tensor:
    _check_unit(numbers, "multilabel_probabilities")
    return _log_odds(numbers)


def _of_one_logit(numbers: Tensor) -> Tensor:
    if numbers.shape[1:] != (1,):
        raise ValueError(
            f'Expected one output per example for output="binary", but got shape {tuple(numbers.shape)}.'
        )
    return torch.cat([torch.zeros_like(numbers), numbers], dim=1)


OUTPUTS: Strategies[Callable[[Tensor], Tensor]] = Strategies(
    "output",
    {
        "logits": _of_logits,
        "probabilities": _of_probabilities,
        "multilabel": _of_logits,
        "multilabel_logits": _of_logits,
        "multilabel_probabilities": _of_independent_probabilities,
        "binary": _of_one_logit,
    },
)
"""From what a model returns to logits, by name; the first batch settles which of two `"multilabel"` is."""


def _told_apart(numbers: Tensor) -> str:
    return "multilabel_probabilities" if _in_unit_interval(numbers) else "multilabel_logits"


def _in_unit_interval(numbers: Tensor) -> bool:
    return bool(((numbers >= 0) & (numbers <= 1)).all())


def _check_unit(numbers: Tensor, output: str) -> None:
    """Raise for what is no probability; NaN is for others to find."""
    if ((numbers < 0) | (numbers > 1)).any():
        low, high = (bound.item() for bound in numbers.detach().aminmax())
        other = ', or output="multilabel_logits"' if output.startswith("multilabel") else ""
        raise ValueError(
            f'Expected numbers in [0, 1] for output="{output}"{other and " (settled by the first batch)"}, '
            f'but got {low:.3g} to {high:.3g}; logits are output="logits"{other}.'
        )


def _log(numbers: Tensor) -> Tensor:
    """Logarithm; finite, with a finite gradient."""
    return numbers.clamp(min=torch.finfo(numbers.dtype).tiny).log()


def _log_odds(numbers: Tensor) -> Tensor:
    """log p - log(1 - p); finite, with a finite gradient."""
    least = torch.finfo(numbers.dtype).eps
    return _log(numbers) - (1 - numbers).clamp(min=least).log()
