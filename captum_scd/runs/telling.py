"""Telling the user what is not a result."""

import sys


def complain(message: str) -> None:
    """Tell the user on standard error."""
    print(f"captum-scd: {message}", file=sys.stderr)
