"""The Zarr hierarchy of a store: what is written where, and in which order.

    zarr.json                     group; attributes: format, identity, versions
    masks/HASH/                   array (images, 2, *grid) of uint8, one chunk; named by a hash of its values
    facts/BATCH/zarr.json         group; attributes: facts of the batch's images, names of their arrays
    failures/HASH/zarr.json       group; attributes: key, reason

The facts of a batch are one object, written last: an object store puts it as a whole, on a disk Zarr writes
it beside and renames it. Whatever a broken-off run left in `masks` before, nothing points to. No object is
ever written over with other contents, so that any number of writers need no lock; the top comes first, and of
several writers that start at once one writes it.
"""

import importlib
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from captum_scd._errors import one_line
from captum_scd._writing import claim
from captum_scd.store.columns import digest
from captum_scd.store.schema import check_cells, check_facts, check_failure

if TYPE_CHECKING:
    import zarr

CHECKS = {"facts": check_facts, "failures": check_failure}
READERS = 16
"""Objects that are asked for at a time where many are read."""


@dataclass(frozen=True)
class Hierarchy:
    """A store's place.

    Attributes:
        place: path or URL.
        root: the group at its top.
    """

    place: str
    root: "zarr.Group"

    @classmethod
    def create(cls, place: str, attributes: Mapping[str, Any]) -> None:
        """Make a new one, and leave it closed; of several at once, one succeeds.

        Raises:
            FileExistsError: if there is one, or another process was first.
            ValueError: if there is what is left of one.
            OSError: if it cannot be written.
        """
        if _opened(_resolved(place), "r") is None:
            _check_nothing_left(place)
            if _write_top(place, attributes):
                return
        raise FileExistsError(f"Expected no store at {place!r} yet, but there is one.")

    @classmethod
    def open(cls, place: str, mode: str) -> "Hierarchy":
        """Open one that is there, to read (`"r"`) or to append, too (`"a"`).

        Raises:
            FileNotFoundError: if there is none.
        """
        root = _opened(_resolved(place), "r" if mode == "r" else "r+")
        if root is None:
            raise FileNotFoundError(f"Expected a store of masks at {place!r}, but there is none.")
        return cls(place, root)

    def put_cells(self, name: str, cells: Any) -> None:
        """Write an array; where it is there, whole or half, the same is written again."""
        with _compact(), _writing(self.place):
            array = self.root.require_array(
                f"masks/{name}",
                shape=cells.shape,
                chunks=cells.shape,
                dtype="uint8",
                chunk_key_encoding={"name": "default", "separator": "."},
                compressors=_zarr().codecs.ZstdCodec(level=9),
            )
            array[...] = cells

    def cells(self, name: str) -> Any:
        """Read an array.

        Raises:
            ValueError: if it is missing or altered.
        """
        try:
            array: Any = self.root[f"masks/{name}"]
            shape, chunks, kind = tuple(array.shape), tuple(array.chunks), array.dtype
        except Exception as error:
            raise ValueError(f"its masks {name} cannot be read ({type(error).__name__})") from error
        check_cells(name, shape, chunks, kind)
        try:
            values = array[...]
        except Exception as error:
            raise ValueError(f"its masks {name} cannot be read ({type(error).__name__})") from error
        if digest(values) != name:
            raise ValueError(f"its masks {name} are missing or altered")
        return values

    def put(self, kind: str, name: str, facts: Mapping[str, Any], again: bool = False) -> None:
        """Write facts as one object; what is there stays, unless it is to be written `again`.

        Raises:
            ValueError: if they are not what they must be.
            OSError: if they cannot be written.
        """
        CHECKS[kind](facts)
        attributes = {"digest": digest(facts), "facts": facts}
        with _compact(), _writing(self.place), suppress(_zarr().errors.ContainsGroupError):
            self.root.create_group(f"{kind}/{name}", attributes=attributes, overwrite=again)

    def facts(self, kind: str, name: str) -> dict[str, Any]:
        """Read facts.

        Raises:
            ValueError: if they are missing, damaged, altered, or not what they must be.
        """
        try:
            attributes: dict[str, Any] = self.root[f"{kind}/{name}"].attrs.asdict()
            facts: dict[str, Any] = attributes["facts"]
            whole = attributes["digest"] == digest(facts)
        except Exception as error:
            raise ValueError(f"its facts cannot be read ({type(error).__name__})") from error
        if not whole:
            raise ValueError("its facts are altered")
        CHECKS[kind](facts)
        return facts

    def names(self, kind: str) -> list[str]:
        """Names of what was written as a whole, sorted."""
        return _names(self.place, kind)

    def remove(self, kind: str, name: str) -> None:
        """Take out what was written under a name."""
        with _writing(self.place):
            del self.root[f"{kind}/{name}"]

    def all_facts(self, kind: str) -> Iterator[tuple[str, dict[str, Any] | ValueError]]:
        """Read all facts, many at a time, few of them held; errors stand where there is something wrong."""
        names = self.names(kind)
        with ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(names), 4 * READERS):
                some = names[start : start + 4 * READERS]
                yield from zip(some, pool.map(lambda name: self._read(kind, name), some), strict=True)

    def _read(self, kind: str, name: str) -> dict[str, Any] | ValueError:
        try:
            return self.facts(kind, name)
        except ValueError as error:
            return error


def _names(place: str, kind: str) -> list[str]:
    files, path = _imported("fsspec").core.url_to_fs(place)
    files.invalidate_cache()
    try:
        found = files.find(f"{path}/{kind}")
    except FileNotFoundError:
        return []
    ends = (file.split("/")[-2:] for file in found)
    return sorted(name for name, end in ends if end == "zarr.json" and name != kind)


def _check_nothing_left(place: str) -> None:
    """Refuse batches whose settings nobody knows any more."""
    if _names(place, "facts"):
        raise ValueError(
            f"Expected nothing at {place!r} where a store is to be made, but there are batches of one whose "
            "top, zarr.json, is gone; give another place."
        )


def _write_top(place: str, attributes: Mapping[str, Any]) -> bool:
    """Write what makes it a store; return whether nobody else was first."""
    top = {"attributes": dict(attributes), "zarr_format": 3, "node_type": "group"}
    with _writing(place), suppress(FileExistsError):
        _claim(f"{place.rstrip('/')}/zarr.json", json.dumps(top, allow_nan=False).encode())
        return True
    return False


def _claim(place: str, content: bytes) -> None:
    """Write a file that is not there yet, on a disk or behind a URL; raises as `claim` does."""
    files, path = _imported("fsspec").core.url_to_fs(place)
    if _is_local(files):
        claim(Path(path), content)
    else:
        files.pipe_file(path, content, mode="create")


def _opened(where: str, mode: str) -> "zarr.Group | None":
    """Open the group at the top, None where there is none."""
    module = _zarr()
    try:
        group: zarr.Group = module.open_group(where, mode=mode, zarr_format=3, use_consolidated=False)
    except (FileNotFoundError, module.errors.GroupNotFoundError):
        return None
    except (OSError, ImportError):
        raise
    except Exception as error:
        raise ValueError(
            f"Expected a store of masks at {where!r}, but opening it raised {one_line(error)}."
        ) from error
    return group


def _resolved(place: str) -> str:
    """Path of what is on a disk of this machine, else the URL."""
    files, path = _imported("fsspec").core.url_to_fs(place)
    return str(path) if _is_local(files) else place


def _is_local(files: Any) -> bool:
    return isinstance(files, _imported("fsspec.implementations.local").LocalFileSystem)


@contextmanager
def _writing(place: str) -> Iterator[None]:
    """Turn whatever writing raises into one sentence."""
    try:
        yield
    except Exception as error:
        raise OSError(
            f"Expected to write to the store {place!r}, but it raised {one_line(error)}; "
            "what was committed before is whole."
        ) from error


def _compact() -> AbstractContextManager[Any]:
    """Write JSON without line breaks: a third of the size."""
    settings: AbstractContextManager[Any] = _zarr().config.set({"json_indent": None})
    return settings


def _zarr() -> Any:
    return _imported("zarr")


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModuleNotFoundError(
            f"Expected {name} to be installed for stores of masks; pip install 'captum-scd[store]' has it."
        ) from error
