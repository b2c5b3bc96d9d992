"""Asking the user's model about rows that are altered copies of a batch's examples.

A row remembers which example it was made from; targets and additional forward arguments follow it.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from captum_scd._captum import Target, format_additional_forward_args, validate_target
from captum_scd.network import in_plain_words, independent, networks_behind, reading
from captum_scd.outputs import Suspicion, logits_in


@dataclass(frozen=True)
class Query:
    """A model with the question asked of each example.

    Attributes:
        forward_func: the user's model or function; gets the inputs, then the additional arguments.
        target: (N, d) index into the output's dimensions after the first, None for one number per row.
        arguments: additional forward arguments; tensors with one entry per example follow the rows.
        count: number N of examples.
        suspicion: looks out for probabilities where logits are wanted; None where either will do.
        chosen: (n,) those that rows are made from, None for all.
    """

    forward_func: Callable[..., Any]
    target: Tensor | None
    arguments: tuple[Any, ...]
    count: int
    suspicion: Suspicion | None = None
    chosen: Tensor | None = None

    def of(self, examples: Tensor) -> "Query":
        """Ask the same of some examples alone, which are numbered from 0 then."""
        return replace(self, chosen=self._places(examples))

    def __call__(self, inputs: tuple[Tensor, ...], examples: Tensor) -> Tensor:
        """Run rows through the model.

        Args:
            inputs: tensors (rows, ...).
            examples: (rows,) the example each row was made from.

        Returns:
            Output (rows, ...), checked to fit rows and target; float32 at least.
        """
        arguments = tuple(self._rows(argument, examples) for argument in self.arguments)
        with in_plain_words(self.forward_func, inputs, self.count):
            output = self.forward_func(*inputs, *copied(arguments))
            checked = self.checked(output, examples)
        if self.suspicion is not None:
            self.suspicion.look(checked, partial(self._some, inputs, examples))
        return checked if checked.dtype == torch.float64 else checked.float()

    def checked(self, output: object, examples: Tensor) -> Tensor:
        """Return a model's output if it fits the rows and their targets, else raise."""
        return _checked_output(output, len(examples), self.targets(examples))

    def targets(self, examples: Tensor) -> Tensor | None:
        """(rows, d) targets of the rows."""
        return None if self.target is None else self.target[self._places(examples)]

    @property
    def independent(self) -> bool:
        """Whether each class is asked about alone, against its absence."""
        return independent(self.forward_func)

    def _some(self, inputs: tuple[Tensor, ...], examples: Tensor) -> Tensor:
        """Run two rows again, with a graph."""
        rows = tuple(tensor[:2].detach().requires_grad_() for tensor in inputs)
        arguments = (self._rows(argument, examples[:2]) for argument in self.arguments)
        output = self.forward_func(*copied(rows), *copied(tuple(arguments)))
        return self.checked(output, examples[:2])

    def _rows(self, argument: Any, examples: Tensor) -> Any:
        follows = isinstance(argument, Tensor) and argument.ndim > 0 and len(argument) == self.count
        return argument[self._places(examples).to(argument.device)] if follows else argument

    def _places(self, examples: Tensor) -> Tensor:
        return examples if self.chosen is None else self.chosen[examples]


def make_query(
    forward_func: Callable[..., Any],
    inputs: tuple[Tensor, ...],
    target: Target = None,
    additional_forward_args: object = None,
    wants_logits: bool = False,
) -> Query:
    """Normalise target and additional arguments, in every form Captum takes, for a batch of inputs.

    Where logits are wanted, a model that returns probabilities is warned of, unless `logits_of` was told.
    """
    with in_plain_words(forward_func, inputs, len(inputs[0])):
        index = target_index(target, len(inputs[0]), inputs[0].device)
    arguments = format_additional_forward_args(additional_forward_args)
    suspicion = Suspicion() if wants_logits and reading(forward_func) is None else None
    return Query(forward_func, index, arguments, len(inputs[0]), suspicion)


def target_index(target: Target, count: int, device: torch.device) -> Tensor | None:
    """Turn any of Captum's forms of target into one.

    Args:
        target: None, an int, a tuple of ints, a 0-d or 1-d integer tensor or array, a list of ints or tuples.
        count: number N of examples.
        device: where the result goes.

    Returns:
        (N, d) long tensor, or None.

    Raises:
        AssertionError: for any other form, or another number of targets than examples, as Captum does.

    >>> target_index([(0, 1), (2, 3)], count=2, device=torch.device("cpu"))
    tensor([[0, 1],
            [2, 3]])
    """
    if target is None:
        return None
    target = torch.as_tensor(target) if isinstance(target, np.ndarray) else target
    validate_target(count, target)
    try:
        index = torch.as_tensor(target, device=device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise AssertionError(f"Expected `target` to hold integers, but got {target!r}.") from error
    if index.is_floating_point() or index.is_complex() or index.dtype == torch.bool:
        raise AssertionError(f"Expected `target` to hold integers, but got {index.dtype}.")
    if isinstance(target, tuple):
        return index.long().reshape(1, -1).expand(count, -1)
    return index.long().reshape(-1, *index.shape[1:2] or (1,)).expand(count, -1)


def copied(given: Any) -> Any:
    """Copy tensors, also those in tuples, lists and dictionaries; gradients flow through, all else is kept.

    What goes to the user's model and is used again afterwards goes there as a copy, since networks may
    normalise their input in place. In place is also forbidden on leaves that require a gradient; a copy is
    none.
    """
    if isinstance(given, Tensor):
        return given.clone()
    if type(given) in (tuple, list):
        return type(given)(map(copied, given))
    return {name: copied(value) for name, value in given.items()} if type(given) is dict else given


_alone = threading.RLock()
"""The global random state and a model's buffers are one for all threads: who preserves them works alone."""


def _of_a_child() -> None:
    """Let a forked process begin with a lock of its own: nobody there would ever release its parent's."""
    global _alone
    _alone = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_of_a_child)


@contextmanager
def preserved(
    forward_func: Callable[..., Any], devices: list[torch.device], seed: int | None = None
) -> Iterator[None]:
    """Put the global random state, and a model's buffers, back afterwards; one thread at a time.

    In eval mode, too, some models write buffers: observers of ranges, counters of calls. A buffer that was
    replaced is put back as the tensor it was. Inside, global random numbers start from `seed`, so that a
    model that draws some answers alike twice; without a seed they go on from where they are.
    """
    accelerators = [device for device in devices if device.type == "cuda"]
    with _alone, torch.random.fork_rng(accelerators):
        buffers = _buffers(forward_func)
        try:
            if seed is not None:
                _seed(seed, accelerators)
            yield
        finally:
            for put_back in buffers:
                put_back()


def _seed(seed: int, accelerators: list[torch.device]) -> None:
    torch.default_generator.manual_seed(seed)
    for device in accelerators:
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def checked_inputs(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return inputs that are floating-point, finite, not empty and of one batch size, else raise."""
    if not inputs:
        raise ValueError("Expected `inputs` to hold at least one tensor, but got an empty tuple.")
    for tensor in inputs:
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            came = str(tensor.dtype) if isinstance(tensor, Tensor) else type(tensor).__name__
            raise TypeError(f"Expected `inputs` to be floating-point tensors, but got {came}.")
        if tensor.ndim == 0 or tensor.numel() == 0 or len(tensor) != len(inputs[0]):
            shapes = [tuple(one.shape) for one in inputs]
            raise ValueError(
                f"Expected `inputs` of shape (N, ...) with one N and nothing empty, but got {shapes}."
            )
        if not tensor.isfinite().all():
            raise ValueError("Expected finite `inputs`, but got NaN or infinity.")
    return inputs


def _buffers(forward_func: Callable[..., Any]) -> list[Callable[[], None]]:
    """Note the buffers of a model; each function puts one of them back."""
    parts = {part for module in networks_behind(forward_func) for part in module.modules()}
    return [_buffer_memory(part, *one) for part in parts for one in part._buffers.items()]


def _buffer_memory(part: nn.Module, name: str, buffer: Tensor | None) -> Callable[[], None]:
    value = buffer.clone() if buffer is not None and _is_writable(buffer) else None
    is_scripted = isinstance(part, torch.jit.ScriptModule)  # makes a tensor anew for whoever asks

    def put_back() -> None:
        if not is_scripted and part._buffers.get(name) is not buffer:
            part._buffers[name] = buffer
        if buffer is not None and value is not None:
            with torch.inference_mode(buffer.is_inference()):
                buffer.data.copy_(value)  # not counted as a change: graphs that hold the buffer stay valid

    return put_back


def _is_writable(buffer: Tensor) -> bool:
    """Tell whether a buffer can be written in place: not if it has no values yet, or repeats some."""
    return not is_lazy(buffer) and not (buffer.layout == torch.strided and 0 in buffer.stride())


def _checked_output(output: object, rows: int, target: Tensor | None) -> Tensor:
    output = logits_in(output)
    shape = tuple(output.shape)
    if output.ndim == 0 or len(output) != rows:
        raise ValueError(f"Expected the model to return one row per example ({rows}), but got shape {shape}.")
    if not output.is_floating_point():
        raise TypeError(f"Expected the model to return floating-point values, but got {output.dtype}.")
    if target is None and output.numel() == rows:
        return output.flatten()
    _check_target(shape, target)
    return output


def _check_target(shape: tuple[int, ...], target: Tensor | None) -> None:
    if target is None:
        raise AssertionError(f"Expected a `target` for a model with outputs of shape {shape}, but got None.")
    check_index(shape, target, "target")


def check_index(shape: tuple[int, ...], index: Tensor, name: str) -> None:
    """Raise unless each of the (n, d) indices picks one value of a row of an output of that shape."""
    if index.shape[1] != len(shape) - 1:
        came = f"it indexes {index.shape[1]} of its {len(shape) - 1} dimensions"
        raise AssertionError(f"Expected `{name}` to pick one value per row of an output {shape}, but {came}.")
    sizes = torch.tensor(shape[1:], device=index.device)
    outside = ((index >= sizes) | (index < -sizes)).any(1)
    if outside.any():
        first = index[outside][0].tolist()
        raise IndexError(f"Expected `{name}` inside an output of shape {shape}, but got {first}.")
