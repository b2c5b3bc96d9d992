"""What can go wrong on the command line, as sentences of one line."""

from captum_scd._errors import ImageError, one_line

__all__ = ["INTERRUPTED", "ImageError", "UsageError", "one_line"]

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


class UsageError(Exception):
    """The command cannot be carried out as it was given; the run stops with exit code 2."""
