"""From a SPEC on the command line to a network that can be explained."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from captum_scd._errors import UsageError, one_line
from captum_scd.cli.commands.specs import check_spec, parted
from captum_scd.cli.networks.enclosing import enclosed
from captum_scd.cli.networks.foreign import checked, refusing
from captum_scd.cli.networks.hubs import from_hugging_face, from_timm, from_torchvision
from captum_scd.cli.networks.saved import from_file
from captum_scd.cli.networks.stated import Stated, said_by
from captum_scd.forward import copied
from captum_scd.outputs import NoLogitsError

HUBS: Mapping[str, Callable[[str], tuple[nn.Module, Stated]]] = {
    "torchvision": from_torchvision,
    "timm": from_timm,
    "hf": from_hugging_face,
}
"""What stands before the colon of a network's name there."""


def load(spec: str) -> tuple[nn.Module, Stated]:
    """Load the network a SPEC names, in eval mode, with what it says of its inputs and classes.

    Args:
        spec: `file.py:callable` or `package.module:callable`, where the callable gives the network when
            called without arguments, or is the network itself; `torchvision:NAME`, `timm:NAME` or
            `hf:NAME_OR_FOLDER`, with pretrained weights; or a file of TorchScript or torch.export. The
            Python file's folder (for a module: the current one) is importable meanwhile.

    Raises:
        UsageError: if there is no such thing, if it raises, or if what it gives is no `nn.Module`.
    """
    check_spec(spec)
    kind, source, name = parted(spec)
    if kind == "hub":
        network, inputs = HUBS[source](name)
    elif kind == "file":
        network, inputs = from_file(Path(source))
    else:
        network = _from_code(source, name, spec)
        inputs = said_by(network)
    return enclosed(network), inputs


def load_model(spec: str) -> nn.Module:
    """Load the network alone, as `load` does."""
    return load(spec)[0]


def absolute(spec: str) -> str:
    """Name files and folders of a SPEC by their whole path, for processes that work in other folders."""
    kind, source, name = parted(spec)
    if kind == "file":
        return str(Path(source).absolute())
    if source == "hf" and Path(name).is_dir():
        return f"hf:{Path(name).absolute()}"
    return f"{Path(source).absolute()}:{name}" if source.endswith(".py") else spec


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
        with refusing(f"{spec} to return a network when called without arguments"):
            found = found()
    return checked(found, spec)


def _import_file(path: Path) -> ModuleType:
    name = f"captum_scd_model_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path.resolve())
    if specification is None or specification.loader is None:
        raise UsageError(f"Expected {path} to be a Python file, but it cannot be imported.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    with refusing(f"{path} to be importable"):
        specification.loader.exec_module(module)
    return module


def _import_module(name: str) -> ModuleType:
    with refusing(f"module {name!r} to be importable"):
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


def probe(model: Callable[[Tensor], Any], size: int, device: torch.device) -> int:
    """Ask the network once about a grey image, and return its number of classes.

    Raises:
        UsageError: if it does not take (1, 3, size, size), does not give logits (1, classes), lets no
            gradient through, or takes one image at a time only.
    """
    shape = (1, 3, size, size)
    try:
        output = model(copied(torch.zeros(shape, dtype=torch.float32, device=device, requires_grad=True)))
    except NoLogitsError as error:
        raise UsageError(str(error)) from error
    except Exception as error:
        raise UsageError(
            f"Expected the model to take images {shape}, but it raised {one_line(error)}."
        ) from error
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != 1:
        came = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise UsageError(f"Expected the model to return logits of shape (1, classes), but got {came}.")
    if not output.requires_grad:
        raise UsageError("Expected a model that can be differentiated, but no gradient reaches the image.")
    _check_rows(model, (2, *shape[1:]), output)
    return output.shape[1]


@torch.no_grad()
def _check_rows(model: Callable[[Tensor], Any], shape: tuple[int, ...], one: Tensor) -> None:
    """Raise unless the network takes two images at once, as some that were traced with one do not."""
    try:
        rows = tuple(model(torch.zeros(shape, device=one.device)).shape)
    except Exception as error:
        raise UsageError(
            f"Expected the model to take several images at once, but for {shape} it raised {one_line(error)}."
        ) from error
    if rows != (2, one.shape[1]):
        raise UsageError(
            f"Expected the model to take several images at once, but for {shape} it gave {rows}, "
            f"and {tuple(one.shape)} for one."
        )
