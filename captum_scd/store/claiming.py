"""Writing a file that only one of many writers gets to write."""

import os
import uuid
from importlib import import_module
from pathlib import Path


def claim(place: str, content: bytes) -> None:
    """Write a file that is not there yet, as a whole; of several writers at once, one succeeds.

    Args:
        place: path or URL of the file; its folder is made.
        content: all of it.

    Raises:
        FileExistsError: if it is there, or another writer was first.
        OSError: if it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     claim(f"{folder}/top/name", b"first")
    ...     claim(f"{folder}/top/name", b"second")
    Traceback (most recent call last):
        ...
    FileExistsError: ...
    """
    core = import_module("fsspec.core")
    local = import_module("fsspec.implementations.local").LocalFileSystem
    files, path = core.url_to_fs(place)
    if isinstance(files, local):
        _claim_path(Path(path), content)
    else:
        files.pipe_file(path, content, mode="create")


def _claim_path(path: Path, content: bytes) -> None:
    """Write beside it, and link it into its place: nobody sees it half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        partial.write_bytes(content)
        _link(partial, path, content)
    finally:
        partial.unlink(missing_ok=True)


def _link(partial: Path, path: Path, content: bytes) -> None:
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("xb") as file:
            file.write(content)
