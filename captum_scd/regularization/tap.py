"""A hook on one layer that lets its output through unless it is told what to do with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

Action = Callable[[Tensor], Tensor]


class Tap:
    """Alters the output of a layer, within `acting` and where a backward pass runs the layer again.

    Gradient checkpointing calls the layer a second time, in the backward pass, where it must give what it
    gave in the forward pass. `again` keeps an action for that.
    """

    def __init__(self) -> None:
        self._action: Action | None = None
        self._again: Action | None = None
        self._calls = 0
        self._handle: RemovableHandle | None = None

    def attach(self, layer: nn.Module) -> None:
        """Sit on a layer; does nothing where it already sits on one."""
        if self._handle is None:
            self._handle = layer.register_forward_hook(self._hook)

    def detach(self) -> None:
        """Leave the layer as it was."""
        if self._handle is not None:
            self._handle.remove()
        self._handle = self._again = None

    @contextmanager
    def acting(self, action: Action) -> Iterator[None]:
        """Alter the layer's output inside; it must run exactly once.

        Raises:
            ValueError: if it did not.
        """
        self._action, self._again, self._calls = action, None, 0
        try:
            yield
        finally:
            self._action = None
        if self._calls != 1:
            raise ValueError(
                f"Expected `layer` to run once in a forward pass, but it ran {self._calls} times."
            )

    def again(self, action: Action) -> None:
        """Keep the action for layers that run again in the backward pass that is under way."""
        self._again = action

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _hook(self, layer: nn.Module, inputs: object, output: object) -> Tensor | None:
        """Act on the output, or leave it by returning None."""
        if self._action is not None:
            self._calls += 1
            return self._action(_checked(output))
        if self._again is not None and _in_backward_pass():
            return self._again(_checked(output))
        return None


def _in_backward_pass() -> bool:
    """Tell whether autograd is at work; torch has no public way of asking."""
    return bool(torch._C._current_graph_task_id() != -1)


def _checked(output: object) -> Tensor:
    if not isinstance(output, Tensor):
        raise TypeError(
            f"Expected `layer` to return a tensor, but got {type(output).__name__}; choose a layer inside it."
        )
    return output
