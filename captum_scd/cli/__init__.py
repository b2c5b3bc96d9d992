"""The command line: `captum-scd explain`, `compare`, `classify`, `report`, `errors`, `verify` and `demo`.

Exit codes: 0 all done, 1 some images could not be dealt with, 2 the command could not be carried out, 130
interrupted.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import NoReturn

from captum_scd._errors import UsageError
from captum_scd._version import __version__
from captum_scd.cli import classify, compare, demo, explain, report, systematic, verify
from captum_scd.runs.job import INTERRUPTED

__all__ = ["main"]


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
    try:
        words = sys.argv[1:] if arguments is None else arguments
        options = _parser().parse_args(words, argparse.Namespace(line=shlex.join(["captum-scd", *words])))
        code: int = options.run(options)
        return code
    except UsageError as error:
        print(f"captum-scd: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("captum-scd: interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> Parser:
    parser = Parser(prog="captum-scd", description="Which pixels make a classifier decide?")
    parser.add_argument("--version", action="version", version=f"captum-scd {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    explain.add_parser(commands)
    compare.add_parser(commands)
    classify.add_parser(commands)
    report.add_parser(commands)
    systematic.add_parser(commands)
    verify.add_parser(commands)
    demo.add_parser(commands)
    return parser
