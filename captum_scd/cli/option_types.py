"""Reading what options say, and where they point."""

import argparse
import math
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from captum_scd._errors import UsageError, one_line
from captum_scd._writing import sweep


def whole_number(least: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from `least` on, for the `type` of an option."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"Expected a whole number of at least {least}, but got {text!r}."
            )
        return int(text)

    return read


def number(positive: bool) -> Callable[[str], float]:
    """Make a reader of finite numbers, above 0 where `positive`, for the `type` of an option."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or (positive and value <= 0):
            kind = "positive number" if positive else "number"
            raise argparse.ArgumentTypeError(f"Expected a {kind}, but got {text!r}.")
        return value

    return read


def name_of(kind: str, known: Collection[str]) -> Callable[[str], str]:
    """Make a reader of one name, for the `type` of an option."""

    def read(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(
                f"Expected `{kind}` to be one of {', '.join(map(repr, known))}, but got {text!r}."
            )
        return text

    return read


def names_of(kind: str, known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    """Make a reader of names with commas between them, for the `type` of an option.

    >>> names_of("method", ["fido", "gradcam"])("gradcam,fido")
    ('gradcam', 'fido')
    """

    def read(text: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in text.split(","))
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"Expected each {kind} to be one of {', '.join(map(repr, known))}, but got {name!r}."
                )
            if names.count(name) > 1:
                raise argparse.ArgumentTypeError(f"Expected each {kind} once, but {name!r} comes twice.")
        return names

    return read


def path_or_url(text: str) -> Path | str:
    """Read where something is: a URL stays as it is, all else is a path.

    >>> path_or_url("s3://camera/2026"), path_or_url("photos").is_absolute()
    ('s3://camera/2026', False)
    """
    return text if "://" in text else Path(text)


def check_writable(out: Path) -> None:
    """Make the output folder, and try to write into it.

    Raises:
        UsageError: if either fails.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        sweep(out)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise UsageError(f"Expected --out to be a folder to write to, but {str(out)!r}: {reason}.") from error
