"""Warnings that name the user's line, each given once however many parts come upon the same."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_PASSED_OVER = {"captum_scd", "captum", "torch", "contextlib", "functools"}
"""Packages whose lines a warning does not name."""

_given: ContextVar[set[str] | None] = ContextVar("given", default=None)


class ModelWarning(UserWarning):
    """Something about the user's model that makes results doubtful."""


@contextmanager
def once() -> Iterator[None]:
    """Give each warning once inside; a block within another belongs to it.

    >>> with warnings.catch_warnings(record=True) as caught, once():
    ...     warn("mind the gap")
    ...     warn("mind the gap")
    >>> len(caught)
    1
    """
    if _given.get() is not None:
        yield
        return
    token = _given.set(set())
    try:
        yield
    finally:
        _given.reset(token)


def warn(message: str) -> None:
    """Warn, at the line that called this package."""
    given = _given.get()
    if given is not None:
        if message in given:
            return
        given.add(message)
    warnings.warn(message, ModelWarning, stacklevel=_level())


def _level() -> int:
    """Count the frames from `warn` to the first one that is neither ours nor a library's in between."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _package(frame.f_globals) in _PASSED_OVER:
        frame, level = frame.f_back, level + 1
    return level


def _package(names: dict[str, object]) -> str:
    return str(names.get("__name__", "")).partition(".")[0]
