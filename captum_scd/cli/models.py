"""From a SPEC on the command line to a network that can be explained."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from captum_scd._errors import UsageError, one_line

FORMS = "FILE.py:CALLABLE, PACKAGE.MODULE:CALLABLE or torchvision:NAME"


def load_model(spec: str) -> nn.Module:
    """Load the network a SPEC names, and put it into eval mode.

    Args:
        spec: `file.py:callable` or `package.module:callable`, where the callable gives the network when
            called without arguments, or is the network itself; or `torchvision:NAME`, with its default
            weights. The file's folder (for a module: the current one) is importable meanwhile.

    Raises:
        UsageError: if there is no such thing, if it raises, or if what it gives is no `nn.Module`.
    """
    source, _, name = spec.rpartition(":")
    if not source or not name:
        raise UsageError(f"Expected --model to be {FORMS}, but got {spec!r}.")
    return (_from_torchvision(name) if source == "torchvision" else _from_code(source, name, spec)).eval()


def _from_torchvision(name: str) -> nn.Module:
    try:
        models = importlib.import_module("torchvision.models")
    except Exception as error:
        raise UsageError(
            f"Expected torchvision to be installed for --model torchvision:{name}, "
            f"but importing it raised {one_line(error)}."
        ) from error
    with _told(f"torchvision to build and load {name!r}"):
        return _checked(models.get_model(name, weights="DEFAULT"), f"torchvision:{name}")


def _from_code(source: str, name: str, spec: str) -> nn.Module:
    is_file = source.endswith(".py")
    with _importable(Path(source).resolve().parent if is_file else Path.cwd()):
        module = _import_file(Path(source)) if is_file else _import_module(source)
        if not hasattr(module, name):
            raise UsageError(f"Expected {source} to have {name!r}, but there is no such name in it.")
        found = getattr(module, name)
        if isinstance(found, nn.Module):
            return found
        if not callable(found):
            raise UsageError(f"Expected {spec} to be callable, but got {type(found).__name__}.")
        with _told(f"{spec} to return a network when called without arguments"):
            found = found()
    return _checked(found, spec)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"Expected --model to name a Python file, but there is no file {str(path)!r}.")
    name = f"captum_scd_model_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path.resolve())
    if specification is None or specification.loader is None:
        raise UsageError(f"Expected {path} to be a Python file, but it cannot be imported.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    with _told(f"{path} to be importable"):
        specification.loader.exec_module(module)
    return module


def _import_module(name: str) -> ModuleType:
    with _told(f"module {name!r} to be importable"):
        return importlib.import_module(name)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Put a folder first on the import path for as long as the block lasts."""
    entry = str(folder)
    sys.path.insert(0, entry)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


@contextmanager
def _told(expectation: str) -> Iterator[None]:
    """Turn whatever the user's code raises into one sentence that says where."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"Expected {expectation}, but it raised {one_line(error)}{_place(error)}."
        ) from error


def _place(error: BaseException) -> str:
    """Innermost line of the user's code, as ` (file.py, line 3)`; empty where there is none."""
    own = (__file__, str(Path(importlib.__file__).parent), "<")
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(own)
    ]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _checked(network: object, spec: str) -> nn.Module:
    if not isinstance(network, nn.Module):
        raise UsageError(f"Expected {spec} to give a torch.nn.Module, but got {type(network).__name__}.")
    return network


def probe(model: nn.Module, size: int, device: torch.device) -> int:
    """Ask the network once about a grey image, and return its number of classes.

    Raises:
        UsageError: if it does not take (1, 3, size, size), does not give logits (1, classes), or lets no
            gradient through.
    """
    shape = (1, 3, size, size)
    try:
        output = model(torch.zeros(shape, device=device, requires_grad=True))
    except Exception as error:
        raise UsageError(
            f"Expected the model to take images {shape}, but it raised {one_line(error)}."
        ) from error
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != 1:
        came = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise UsageError(f"Expected the model to return logits of shape (1, classes), but got {came}.")
    if not output.requires_grad:
        raise UsageError("Expected a model that can be differentiated, but no gradient reaches the image.")
    return output.shape[1]
