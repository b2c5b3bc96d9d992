"""What can go wrong with an image or a command, and how the user is told of it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""Exit code of a run that was broken off by Ctrl-C."""


class ImageError(Exception):
    """One image cannot be dealt with; the run goes on with the others."""


class UsageError(Exception):
    """What was asked for cannot be carried out as it was given; the run stops."""


@contextmanager
def written(place: object, what: str = "") -> Iterator[None]:
    """Say in one sentence that a file, or `what` goes into a folder, cannot be written.

    Raises:
        UsageError: in place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"Expected to write {what}{str(place)!r}, but it raised {one_line(error)}."
        ) from error


def one_line(error: BaseException) -> str:
    """Say what an exception says in one line, with its type.

    >>> one_line(ValueError("first\\n  second"))
    'ValueError: first second'
    >>> one_line(KeyboardInterrupt())
    'KeyboardInterrupt'
    """
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def complain(message: str) -> None:
    """Tell the user on standard error what is not a result."""
    print(f"captum-scd: {message}", file=sys.stderr)
