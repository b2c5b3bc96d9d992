"""What can go wrong on the command line, as sentences of one line."""


class UsageError(Exception):
    """The command cannot be carried out as it was given; the run stops with exit code 2."""


class ImageError(Exception):
    """One image cannot be explained; the run goes on with the others and ends with exit code 1."""


def one_line(error: BaseException) -> str:
    """Say what an exception says in one line, with its type.

    >>> one_line(ValueError("first\\n  second"))
    'ValueError: first second'
    >>> one_line(KeyboardInterrupt())
    'KeyboardInterrupt'
    """
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
