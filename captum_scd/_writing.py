"""Writing files that are there only once they are whole."""

import errno
import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PARTIAL = re.compile(r"\.(?:[0-9a-f]{16}|.+\.(?:png|npz|json|csv|html|md))\.(\d+)\.partial")
"""Name of a file that a process with this number writes; earlier versions put the whole name before it."""

STALE = 600
"""Seconds after which nobody writes on, not even a process of another machine on a shared disk."""

FOR_ALL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENODEV, errno.EMFILE})
"""What is wrong with the place where files are written, not with the name of one of them."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which takes the place of `path` only once it is whole.

    Its name is short whatever that of `path` is, and says which process writes.
    """
    partial = _partial(path, hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16])
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def put_text(path: Path, text: str) -> None:
    """Write a text and a line break, all or nothing."""
    with replacing(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def claim(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, as a whole; of several writers at once, one succeeds.

    Args:
        path: of the file; its folder is made, and what killed writers left there is swept.
        content: all of it.

    Raises:
        FileExistsError: if it is there, or another writer was first.
        OSError: if it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    partial = _partial(path, uuid.uuid4().hex[:16])  # threads of one process claim the same file, too
    try:
        partial.write_bytes(content)
        _link(partial, path, content)
    finally:
        partial.unlink(missing_ok=True)


def _partial(path: Path, mark: str) -> Path:
    """Name a file that this process writes beside another, so that `sweep` knows it."""
    return path.with_name(f".{mark}.{os.getpid()}.partial")


def _link(partial: Path, path: Path, content: bytes) -> None:
    """Link what was written into its place: nobody sees it half written."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("xb") as file:
            file.write(content)


def sweep(folder: Path) -> None:
    """Remove what killed processes of this package left half written in a folder."""
    with suppress(OSError):
        for path in folder.glob(".*.partial"):
            found = PARTIAL.fullmatch(path.name)
            if found and not _is_alive(int(found[1])) and time.time() - path.stat().st_mtime > STALE:
                path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    """Tell whether there is a process of that number; where that cannot be found out, there is."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
