"""What an exception says, in one line."""


def one_line(error: BaseException) -> str:
    """Say what an exception says in one line, with its type.

    >>> one_line(ValueError("first\\n  second"))
    'ValueError: first second'
    >>> one_line(KeyboardInterrupt())
    'KeyboardInterrupt'
    """
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
