"""The command line: `captum-scd explain`, `compare`, `classify`, `report`, `errors`, `verify` and `demo`.

Exit codes: 0 all done, 1 some images could not be dealt with, 2 the command could not be carried out, 130
interrupted.
"""

import argparse
import io
import shlex
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

from captum_scd._errors import INTERRUPTED, UsageError
from captum_scd._version import __version__
from captum_scd._warnings import ModelWarning

__all__ = ["main"]

COMMANDS = {
    "explain": "learn masks of the pixels that matter in each image",
    "compare": "compare several attribution methods on images",
    "classify": "classify images with a second look at the region that counts",
    "report": "write a page about a store of masks",
    "errors": "find systematic errors and shortcuts in a store of masks",
    "verify": "check a store of masks",
    "demo": "see it work on a network and pictures of its own, offline",
}
"""What each command does. Its file in `commands` is imported when it is asked for."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after the program's name, those of this process by default.

    Returns:
        The exit code.
    """
    _print_whatever_comes()
    try:
        words = sys.argv[1:] if arguments is None else arguments
        line = argparse.Namespace(line=shlex.join(["captum-scd", *words]))
        options = _parser(words[:1]).parse_args(words, line)
        with _plain_warnings():
            code: int = options.run(options)
        return code
    except UsageError as error:
        print(f"captum-scd: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("captum-scd: interrupted", file=sys.stderr)
        return INTERRUPTED


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Print what this package warns of as one line, without a place in its code."""
    usual = warnings.formatwarning

    def formatted(message: Any, category: type[Warning], *place: Any, **more: Any) -> str:
        ours = issubclass(category, ModelWarning)
        if not ours:
            return usual(message, category, *place, **more)
        return f"\rcaptum-scd: warning: {message}\n"  # over a progress bar that stands in its line

    warnings.formatwarning = formatted
    try:
        yield
    finally:
        warnings.formatwarning = usual


def _print_whatever_comes() -> None:
    """Write what a terminal has no letters for as codes, so that no name breaks off a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser(wanted: Collection[str] = tuple(COMMANDS)) -> Parser:
    """Make a parser that knows all commands by name, and the options of those that are wanted."""
    parser = Parser(prog="captum-scd", description="Show which pixels make a classifier decide.")
    parser.add_argument("--version", action="version", version=f"captum-scd {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for name, words in COMMANDS.items():
        command = commands.add_parser(name, help=words)
        if name in wanted:
            taken = import_module(f"captum_scd.cli.commands.{name}")
            taken.add_options(command)
            command.set_defaults(run=taken.run)
    return parser
