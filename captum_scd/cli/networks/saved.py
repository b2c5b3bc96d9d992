"""Networks that lie in files of torch: TorchScript and exported programs; others are told what to do."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from captum_scd._errors import UsageError
from captum_scd.cli.networks.enclosing import Enclosed
from captum_scd.cli.networks.foreign import refusing
from captum_scd.cli.networks.stated import Stated, said_by
from captum_scd.runs.digests import digest_of

PICKLED = ("custom_obj_", "opaque_obj_")
"""How objects in a file of torch.export are called."""

FORCE, FORCE_NOT = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""Environment variables that `torch.load` goes by, wherever it is called."""

CODE = """import torch

def load():
    network = build()  # what it was trained as, torchvision.models.resnet18(num_classes=200) for instance
    network.load_state_dict(torch.load({path!r}, weights_only=True){key})
    return network"""
"""What makes a network of a state dict."""


def from_file(path: Path) -> tuple[nn.Module, Stated]:
    """Load a network that was saved whole, its code with it.

    Nothing is unpickled that could run code.

    Raises:
        UsageError: if it cannot be read, is a state dict or a pickled module, or takes one batch size only.
    """
    members = _members(path)
    if "data.pkl" in members or not members:
        _check_pickled(path)
    if "constants.pkl" in members:
        with refusing(f"{path} to be a TorchScript file"):
            network = Enclosed(torch.jit.load(path, map_location="cpu"))
        inputs = said_by(network.network)
    else:
        _check_objects(members, path)
        with refusing(f"{path} to be a file of torch.export or TorchScript"), _tensors_only():
            program = torch.export.load(path)
        network, inputs = _from_program(program, path)
    digest = bytes.fromhex(digest_of(path))  # constants of a frozen network are in no state dict
    network.register_buffer("file_sha256", torch.tensor(list(digest), dtype=torch.uint8))
    return network, inputs


def _members(path: Path) -> set[str]:
    """Names of what lies in the archive's folder; none where it is no archive."""
    if not zipfile.is_zipfile(path):
        return set()
    with zipfile.ZipFile(path) as archive:
        names = {name.partition("/")[2] for name in archive.namelist()}
    return names - {"data.pkl"} if "constants.pkl" in names else names


def _check_objects(members: set[str], path: Path) -> None:
    """Raise for a program with objects in it, which only pickle reads."""
    objects = sorted(name for name in members if any(kind in name for kind in PICKLED))
    if objects:
        raise UsageError(
            f"Expected a program of tensors alone, but {str(path)!r} holds pickled objects ({objects[0]}), "
            "and reading these could run any code."
        )


@contextmanager
def _tensors_only() -> Iterator[None]:
    """Let torch read nothing but tensors; `torch.export.load` would fall back to pickle."""
    before = {name: os.environ.pop(name, None) for name in (FORCE, FORCE_NOT)}
    os.environ[FORCE] = "1"
    try:
        yield
    finally:
        del os.environ[FORCE]
        os.environ.update({name: value for name, value in before.items() if value is not None})


def _from_program(program: Any, path: Path) -> tuple[Enclosed, Stated]:
    """Take the module out of an exported program, and the size it was exported for."""
    rows, *_, height, width = _shape(program, path)
    if isinstance(rows, int):
        raise UsageError(
            f"Expected a program for any number of images, but {str(path)!r} was exported with a fixed batch "
            f"size of {rows}; export it again with torch.export.export(model, (two_images,), "
            "dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))."
        )
    if any(map(_trains, program.graph.nodes)):
        raise UsageError(
            f"Expected a program that was exported in eval mode, but {str(path)!r} was exported in training "
            "mode; call model.eval() before torch.export.export."
        )
    size = height if isinstance(height, int) and height == width else None
    return Enclosed(program.module(), has_modes=False), Stated(size=size)


def _shape(program: Any, path: Path) -> tuple[Any, ...]:
    """Shape of the images that a program takes; numbers are fixed."""
    names = program.graph_signature.user_inputs
    shapes = [tuple(node.meta["val"].shape) for node in program.graph.nodes if node.name in names]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise UsageError(
            f"Expected a program that takes images (N, 3, H, W), but {str(path)!r} takes {shapes}."
        )
    return shapes[0]


def _trains(node: Any) -> bool:
    """Tell whether an operation is a dropout, or a batch norm, as in training."""
    name = str(node.target)
    return ("dropout" in name and True in node.args) or ("batch_norm" in name and node.args[5] is True)


def _check_pickled(path: Path) -> None:
    """Raise for what `torch.save` wrote: it holds no network, or one that cannot be read safely.

    Raises:
        UsageError: always.
    """
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise UsageError(
            f"Expected --model to be a network that can be read safely, but {str(path)!r} holds pickled "
            "objects, as torch.save(model, ...) writes them, and reading these could run any code; save its "
            "weights alone, torch.save(model.state_dict(), 'weights.pt'), and write into network.py, for "
            f"--model network.py:load:\n\n{CODE.format(path='weights.pt', key='')}"
        ) from error
    except Exception:
        with refusing(f"{path} to be a file that torch wrote"):
            raise
    raise UsageError(
        f"Expected --model to be a network, but {str(path)!r} holds {_content(held)} without the network; "
        f"write into network.py, for --model network.py:load:\n\n"
        f"{CODE.format(path=str(path.absolute()), key=_key(held))}"
    )


def _content(held: object) -> str:
    return "weights alone, a state dict," if _weights(held) or _key(held) else f"a {type(held).__name__}"


def _weights(held: object) -> bool:
    return isinstance(held, Mapping) and bool(held) and all(isinstance(one, Tensor) for one in held.values())


def _key(held: object) -> str:
    """How to get at the weights in a checkpoint that holds other things, too."""
    if not isinstance(held, Mapping):
        return ""
    return next((f"[{name!r}]" for name, value in held.items() if _weights(value)), "")
