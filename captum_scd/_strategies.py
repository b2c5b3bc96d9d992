"""Name or callable: strategies are normalised once, at the door."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

Strategy = TypeVar("Strategy", bound=Callable[..., Any])


class Strategies(Mapping[str, Strategy], Generic[Strategy]):
    """The named strategies of one kind (infills, samplers, scores).

    >>> signs = Strategies("sign", {"plus": lambda x: x, "minus": lambda x: -x})
    >>> signs.resolve("minus")(2)
    -2
    >>> signs.resolve(abs)(-2)
    2
    >>> signs.resolve("times")
    Traceback (most recent call last):
        ...
    ValueError: Expected `sign` to be one of 'plus', 'minus' or a callable, but got 'times'.
    """

    def __init__(self, kind: str, strategies: Mapping[str, Strategy]) -> None:
        self.kind = kind
        self._strategies = dict(strategies)

    def __getitem__(self, name: str) -> Strategy:
        return self._strategies[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._strategies)

    def __len__(self) -> int:
        return len(self._strategies)

    def resolve(self, strategy: "str | Strategy") -> Strategy:
        """Return the strategy of that name, or the callable as it is; anything else is a ValueError."""
        if isinstance(strategy, str) and strategy in self:
            return self[strategy]
        if callable(strategy):
            return strategy
        names = ", ".join(map(repr, self))
        raise ValueError(f"Expected `{self.kind}` to be one of {names} or a callable, but got {strategy!r}.")


def describe(strategy: object) -> str:
    """Name a strategy for records: its own name if it is a string, its qualified name otherwise.

    >>> describe("blur"), describe(abs)
    ('blur', 'abs')
    """
    return strategy if isinstance(strategy, str) else getattr(strategy, "__qualname__", repr(strategy))
