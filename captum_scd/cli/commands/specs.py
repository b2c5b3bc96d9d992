"""What a SPEC of a network may be."""

from pathlib import Path

from captum_scd._errors import UsageError
from captum_scd.cli.commands.names import names

HUBS = names("cli/networks/loading.py", "HUBS")
"""What stands before the colon of a network's name there."""

SUFFIXES = (".pt", ".pts", ".torchscript", ".pt2", ".pth", ".ckpt", ".bin")
"""Of files that torch writes."""

FORMS = (
    "FILE.py:CALLABLE, PACKAGE.MODULE:CALLABLE, torchvision:NAME, timm:NAME, hf:NAME_OR_FOLDER or a file of "
    "TorchScript (.pt) or torch.export (.pt2)"
)


def check_spec(text: str) -> None:
    """Refuse what cannot name a network.

    Raises:
        UsageError: if it is no SPEC, or names a file that is not there.
    """
    hub, _, named = text.partition(":")
    source, _, name = text.rpartition(":")
    if hub in HUBS and named:
        return
    if text.lower().endswith(SUFFIXES):
        _check_there(Path(text), "a file")
    elif not (source and name):
        raise UsageError(f"Expected --model to be {FORMS}, but got {text!r}.")
    elif source.endswith(".py"):
        _check_there(Path(source), "a Python file")


def _check_there(path: Path, kind: str) -> None:
    if not path.is_file():
        raise UsageError(f"Expected --model to name {kind}, but there is no file {str(path)!r}.")
