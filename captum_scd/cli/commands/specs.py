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


def parted(text: str) -> tuple[str, str, str]:
    """Take a SPEC apart into its kind, where the network is, and its name there.

    >>> parted("hf:owner/name"), parted("net.pt2"), parted("a.py:load")
    (('hub', 'hf', 'owner/name'), ('file', 'net.pt2', ''), ('code', 'a.py', 'load'))
    """
    hub, _, named = text.partition(":")
    if hub in HUBS and named:
        return "hub", hub, named
    if text.lower().endswith(SUFFIXES):
        return "file", text, ""
    source, _, name = text.rpartition(":")
    return "code", source, name


def check_spec(text: str) -> None:
    """Refuse what cannot name a network.

    Raises:
        UsageError: if it is no SPEC, or names a file that is not there.
    """
    kind, source, name = parted(text)
    if kind == "file":
        _check_there(Path(source), "a file")
    elif not (source and name):
        raise UsageError(f"Expected --model to be {FORMS}, but got {text!r}.")
    elif kind == "code" and source.endswith(".py"):
        _check_there(Path(source), "a Python file")


def _check_there(path: Path, kind: str) -> None:
    if not path.is_file():
        raise UsageError(f"Expected --model to name {kind}, but there is no file {str(path)!r}.")
