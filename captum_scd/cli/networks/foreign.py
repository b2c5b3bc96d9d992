"""Running code that others wrote: whatever it raises becomes one sentence that says where."""

import importlib
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from captum_scd._errors import UsageError, one_line


@contextmanager
def refusing(expectation: str) -> Iterator[None]:
    """Turn whatever the block raises into one sentence: "Expected <expectation>, but it raised ..."."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"Expected {expectation}, but it raised {one_line(error)}{_place(error)}."
        ) from error


def library(name: str, spec: str, extra: str = "") -> Any:
    """Import what a spec needs.

    Args:
        name: of the module.
        spec: that needs it.
        extra: of this package that installs it, where there is one.

    Raises:
        UsageError: if that fails.
    """
    package = name.partition(".")[0]
    how = f" (pip install captum-scd[{extra}])" if extra else ""
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise UsageError(
            f"Expected {package} to be installed for --model {spec}{how}, "
            f"but importing it raised {one_line(error)}."
        ) from error


def checked(network: object, spec: str) -> nn.Module:
    """Return what is a network, else raise."""
    if not isinstance(network, nn.Module):
        raise UsageError(f"Expected {spec} to give a torch.nn.Module, but got {type(network).__name__}.")
    return network


def _place(error: BaseException) -> str:
    """Innermost line of the user's code, as ` (file.py, line 3)`; empty where there is none."""
    own = (str(Path(__file__).parent), str(Path(importlib.__file__).parent), "<")
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(own)
    ]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
