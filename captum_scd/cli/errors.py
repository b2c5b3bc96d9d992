"""What can go wrong on the command line, as sentences of one line."""

from captum_scd._errors import one_line

__all__ = ["ImageError", "UsageError", "one_line"]


class UsageError(Exception):
    """The command cannot be carried out as it was given; the run stops with exit code 2."""


class ImageError(Exception):
    """One image cannot be explained; the run goes on with the others and ends with exit code 1."""
