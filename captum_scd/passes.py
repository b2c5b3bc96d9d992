"""Counting what goes through a network: the cost of an explanation, the same on every machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn

from captum_scd.outputs import find_logits


@dataclass
class Passes:
    """Rows (examples, or altered copies of them) that went through a network.

    Attributes:
        forward: rows that only went forward.
        backward: rows that went forward and kept the graph that a backward pass needs.
    """

    forward: int = 0
    backward: int = 0

    @property
    def total(self) -> int:
        """All rows."""
        return self.forward + self.backward

    def count(self, module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        """Count one call, as a forward hook; outputs without logits are not counted."""
        logits = find_logits(output)
        if logits is None or logits.ndim == 0:
            return
        if logits.requires_grad:
            self.backward += len(logits)
        else:
            self.forward += len(logits)


@contextmanager
def counted(model: nn.Module) -> Iterator[Passes]:
    """Count the rows that go through a network.

    >>> model = nn.Linear(2, 3)
    >>> with counted(model) as passes:
    ...     _ = model(torch.ones(5, 2))
    ...     with torch.no_grad():
    ...         _ = model(torch.ones(4, 2))
    >>> passes
    Passes(forward=4, backward=5)
    """
    passes = Passes()
    handle = model.register_forward_hook(passes.count)
    try:
        yield passes
    finally:
        handle.remove()
