"""`MaskStore`: the masks of a data set, appended batch by batch and read by key."""

import os
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from captum_scd.masks import FIDOMasks
from captum_scd.provenance import versions
from captum_scd.store.columns import Batch, digests, pack, unpack
from captum_scd.store.entry import SCHEMA, Entry, Kept
from captum_scd.store.hierarchy import Hierarchy
from captum_scd.store.identity import as_json, differences
from captum_scd.store.index import Index, key_hash
from captum_scd.store.schema import check_fit, check_head

FORMAT = "captum_scd store 1"
BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
BATCHES_HELD = 4
"""Batches whose entries are kept in memory for the next look-up."""

Place = str | os.PathLike[str]


class MaskStore:
    """Masks, predictions and areas of many images in a Zarr hierarchy.

    Masks are kept at the grid they were learned on, in 8 bits; `ssr`, `sdr` and `joint` of what comes back
    are within 1/255 of what was put in, at every pixel. A batch is there as a whole or not at all, whatever
    happens meanwhile, and any number of processes may append different batches at the same time. What others
    append is seen once the store is opened again.

    Pickling a store keeps only its place; unpickling opens it there.

    >>> import tempfile
    >>> identity = {"settings": {"seed": 0}, "model": "c0ffee", "classes": ["a", "b"], "preparation": None}
    >>> masks = FIDOMasks(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), size=(4, 4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = MaskStore.create(f"{folder}/masks.zarr", identity)
    ...     store.append([Entry("cat.jpg", masks, 0, 0, {"image": 0.9}, {"ssr": 1.0})], batch="first")
    ...     again = MaskStore.open(f"{folder}/masks.zarr")
    ...     list(again), again["cat.jpg"].ssr.mean().item()
    (['cat.jpg'], 1.0)
    """

    def __init__(self, hierarchy: Hierarchy, mode: str, head: Mapping[str, Any]) -> None:
        self._hierarchy, self._mode, self._head = hierarchy, mode, head
        self._known: Index | None = None
        self._newer: dict[tuple[str, str], str] = {}
        self._damaged: dict[str, str] = {}
        self._held: OrderedDict[str, list[Entry]] = OrderedDict()

    @classmethod
    def create(cls, place: Place, identity: Mapping[str, Any]) -> "MaskStore":
        """Make a new store.

        Args:
            place: path, or any URL that fsspec knows.
            identity: `settings` the masks are learned with, `model` (see `fingerprint`), `classes` (names in
                output order, may be empty) and `preparation` of the images, all as JSON can hold it.

        Raises:
            FileExistsError: if there is one.
            ValueError: if the identity is of another form.
            OSError: if it cannot be written.
        """
        head = {"format": FORMAT, "schema": SCHEMA, "identity": as_json(identity), "versions": versions()}
        Hierarchy.create(os.fspath(place), head)
        return cls.open(place, "a", identity)

    @classmethod
    def open(cls, place: Place, mode: str = "r", identity: Mapping[str, Any] | None = None) -> "MaskStore":
        """Open a store to read, or (`mode="a"`) to append, too.

        Args:
            place: path, or any URL that fsspec knows.
            mode: `"r"` or `"a"`.
            identity: what the identity of the store must be, if that matters; see `create`.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if there is something else, or a store of other settings, images or network.
        """
        if mode not in ("r", "a"):
            raise ValueError(f"Expected `mode` to be 'r' or 'a', but got {mode!r}.")
        hierarchy = Hierarchy.open(os.fspath(place), mode)
        head: dict[str, Any] = dict(hierarchy.root.attrs.asdict())
        if head.get("format") != FORMAT:
            raise ValueError(
                f"Expected {os.fspath(place)!r} to be a store of captum_scd ({FORMAT}), but it is "
                f"{head.get('format', 'another kind of Zarr group')}."
            )
        if type(head.get("schema")) is int and head["schema"] > SCHEMA:
            raise ValueError(
                f"Expected a store of schema {SCHEMA} at most, but {os.fspath(place)!r} is of "
                f"{head['schema']}; a later version of captum_scd reads it."
            )
        check_head(head, os.fspath(place))
        store = cls(hierarchy, mode, head)
        if identity is not None:
            store.check(identity)
        return store

    @classmethod
    def at(cls, place: Place, identity: Mapping[str, Any]) -> "MaskStore":
        """Make a store of this identity, or open it to append if there is one; raises as both do.

        If two processes come at once with different identities, one makes the store, and the other is refused
        before any mask is written.
        """
        try:
            return cls.create(place, identity)
        except FileExistsError:
            return cls.open(place, "a", identity)

    @classmethod
    def writer(cls, place: Place) -> "MaskStore":
        """Open a store to append to without reading what is there, which is as fast for millions as for none.

        This is for one of many writers, whose batches and keys are given out by a process that has read the
        store. It knows only what it appended itself. A batch that another one committed stays as it is.

        Raises:
            FileNotFoundError, ValueError: as `open` does.
        """
        store = cls.open(place, "a")
        store._known = Index()
        return store

    @property
    def place(self) -> str:
        """Path or URL."""
        return self._hierarchy.place

    @property
    def identity(self) -> dict[str, Any]:
        """What the masks depend on beside the images, as JSON holds it: see `create`."""
        identity: dict[str, Any] = self._head["identity"]
        return identity

    @property
    def versions(self) -> dict[str, str]:
        """Versions the store was made with."""
        told: dict[str, str] = self._head["versions"]
        return told

    def check(self, identity: Mapping[str, Any]) -> None:
        """Compare identities.

        Raises:
            ValueError: where they differ.
        """
        found = list(differences(self.identity, as_json(identity)))
        if found:
            raise ValueError(
                f"Expected the store {self.place!r} to be of the same settings, images and network, but "
                f"{'; '.join(found)}. {self._way_out()}"
            )

    def append(self, entries: Sequence[Entry], batch: str, replaces: Mapping[str, str] | None = None) -> None:
        """Commit a batch: once this returns it is there as a whole, and if it does not, not at all.

        Args:
            entries: with keys that no other batch has; may be none, where all of a batch failed.
            batch: name of letters, digits, `.`, `_` and `-`. A batch that is there already stays as it is.
            replaces: batches that hold another photo of some of the keys, by key; the new masks stand in
                place of theirs.

        Raises:
            ValueError: for another name, a key that comes twice, or a store that is open to read only.
            OSError: if it cannot be written; what was there before is whole.
        """
        self._check_appendable(batch)
        if self._index.has_batch(batch):
            return
        packed = pack(entries)
        keys = packed.facts["key"]
        older = {key: old for key, old in (replaces or {}).items() if key in keys}
        self._check_new([key for key in keys if key not in older])
        packed.facts.update({"replaces": older} if older else {})
        for name, cells in packed.cells.items():
            self._hierarchy.put_cells(name, cells)
        self._hierarchy.put("facts", batch, packed.facts, again=batch in self._damaged)
        self._damaged.pop(batch, None)
        self._index.add(batch, keys)
        self._newer.update({(old, key): batch for key, old in older.items()})
        self._put_newest(older)

    def fail(self, key: str, reason: str, batch: str | None = None) -> None:
        """Remember why there is no entry of a key.

        Args:
            key: of the image.
            reason: in words.
            batch: which holds another photo of the same key, if there is one.

        Raises:
            OSError: if it cannot be written.
            ValueError: for a store that is open to read only.
        """
        self._check_writable()
        told = {"key": key, "reason": reason, **({} if batch is None else {"batch": batch})}
        self._hierarchy.put("failures", _failure_name(key), told, again=True)

    def forgive(self, key: str) -> None:
        """Forget why there was no entry of a key; raises as `fail` does."""
        self._check_writable()
        self._hierarchy.remove("failures", _failure_name(key))

    @property
    def failures(self) -> dict[str, str]:
        """Reasons why there is no entry, by key; keys that have got an entry since are left out.

        A photo that has changed since it was explained, and could not be explained again, is among them.
        """
        told = [facts for _, facts in self._hierarchy.all_facts("failures") if isinstance(facts, dict)]
        return {
            facts["key"]: facts["reason"]
            for facts in told
            if self._index.batch_of(facts["key"]) == facts.get("batch")
        }

    @property
    def damaged_failures(self) -> Mapping[str, str]:
        """What is wrong with notes of failures, by their names, each of which `discard` takes."""
        told = self._hierarchy.all_facts("failures")
        return {f"failures/{name}": str(facts) for name, facts in told if not isinstance(facts, dict)}

    def kept(self, keys: Sequence[str]) -> dict[str, Kept]:
        """Find which photo the masks of each key are of, for those of the keys that have some.

        Masks are not read.

        Raises:
            ValueError: if the facts of a batch are damaged.
        """
        batches = {key: batch for key in keys if (batch := self._index.batch_of(key)) is not None}
        found = {}
        for batch in dict.fromkeys(batches.values()):
            facts = self._facts(batch)
            rows = zip(facts["key"], digests(facts), facts["source"], strict=True)
            found.update({(batch, key): Kept(batch, digest, source) for key, digest, source in rows})
        return {key: found[batch, key] for key, batch in batches.items() if (batch, key) in found}

    def is_replaced(self, key: str, batch: str) -> bool:
        """Tell whether a later batch holds a newer photo of a key than this one does."""
        return (batch, key) in self._newer

    @property
    def batches(self) -> Sequence[str]:
        """Names of the batches that are there."""
        return self._index.batches

    def has_batch(self, batch: str) -> bool:
        """Tell whether a batch is there."""
        return self._index.has_batch(batch)

    @property
    def damaged(self) -> Mapping[str, str]:
        """What is wrong with the facts of batches, by name; their entries are not counted as there."""
        self._index  # noqa: B018  # reading all facts finds the damaged ones
        return dict(self._damaged)

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._index.batch_of(key) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, batch by batch."""
        for batch in self.batches:
            yield from (key for key in self._facts(batch)["key"] if self._index.batch_of(key) == batch)

    def __getitem__(self, key: str) -> FIDOMasks:
        """Return the masks of one image, (1, 1, *size).

        Raises:
            KeyError: if there are none.
            ValueError: if they are damaged.
        """
        return self.entry(key).masks

    def entry(self, key: str) -> Entry:
        """Return all that is kept of one image; raises as `store[key]` does."""
        batch = self._index.batch_of(key)
        found = [] if batch is None else [one for one in self.read(batch) if one.key == key]
        if not found:
            raise KeyError(key)
        return found[0]

    def entries(self) -> Iterator[Entry]:
        """Yield everything, batch by batch, holding no more than one of them.

        Raises:
            ValueError: at a batch that is damaged; `verify` lists all of these.
        """
        for batch in self.batches:
            yield from (one for one in self.read(batch) if self._index.batch_of(one.key) == batch)

    def read(self, batch: str) -> list[Entry]:
        """Return the entries of a batch, in the order in which they were appended.

        Raises:
            KeyError: if there is no such batch.
            ValueError: if it is damaged.
        """
        if not self._index.has_batch(batch):
            raise KeyError(batch)
        if batch not in self._held:
            self._held[batch] = self._read(batch)
        self._held.move_to_end(batch)
        while len(self._held) > BATCHES_HELD:
            self._held.popitem(last=False)
        return self._held[batch]

    def discard(self, batch: str) -> None:
        """Take out a batch, so that it can be appended again, or a damaged note of a failure.

        Raises:
            OSError: if it cannot be written.
            ValueError: for a store that is open to read only.
        """
        self._check_writable()
        kind, _, name = batch.rpartition("/")
        self._hierarchy.remove(kind or "facts", name)
        self._held.pop(batch, None)
        self._known = None

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return type(self).open, (self.place, self._mode)

    def _way_out(self) -> str:
        """What to do about a store of another identity."""
        if self._hierarchy.names("facts"):
            return "Give another store, or what this one was made with."
        return "It holds nothing yet: where no other run is at work on it, delete it, or give another store."

    @property
    def _index(self) -> Index:
        """Where the keys are; all facts are read once for it."""
        if self._known is None:
            self._known, self._damaged, self._newer = Index(), {}, {}
            for batch, facts in self._hierarchy.all_facts("facts"):
                if isinstance(facts, dict):
                    self._known.add(batch, facts["key"])
                    self._newer.update({(old, key): batch for key, old in facts.get("replaces", {}).items()})
                else:
                    self._damaged[batch] = str(facts)
            self._put_newest({key for _, key in self._newer})
        return self._known

    def _put_newest(self, keys: Iterable[str]) -> None:
        """Have the index say of keys whose photo has changed where the newest one is."""
        for key in keys:
            batch, passed = self._index.batch_of(key), set[str]()
            while batch is not None and batch not in passed and (batch, key) in self._newer:
                passed.add(batch)
                batch = self._newer[batch, key]
            if batch is not None:
                self._index.move(key, batch)

    def _facts(self, batch: str) -> dict[str, Any]:
        return self._hierarchy.facts("facts", batch)

    def _read(self, batch: str) -> list[Entry]:
        try:
            facts = self._facts(batch)
            packed = Batch(facts, {name: self._hierarchy.cells(name) for name in facts["cells"]})
            check_fit(facts, packed.cells)
        except ValueError as error:
            raise ValueError(
                f"Expected batch {batch!r} of the store {self.place!r} to be whole, but {error}."
            ) from error
        return list(unpack(packed, self.identity["settings"], self.versions["captum_scd"]))

    def _check_appendable(self, batch: str) -> None:
        self._check_writable()
        if not BATCH.fullmatch(batch):
            raise ValueError(
                f"Expected the name of a batch to be of letters, digits, '.', '_' and '-', but got {batch!r}."
            )

    def _check_writable(self) -> None:
        if self._mode != "a":
            raise ValueError(
                f"Expected the store {self.place!r} to be open to append, mode 'a', but it is 'r'."
            )

    def _check_new(self, keys: Sequence[str]) -> None:
        there = [key for key in keys if key in self]
        if there:
            raise ValueError(f"Expected keys that are not in the store yet, but {there[0]!r} is.")


def _failure_name(key: str) -> str:
    return f"{key_hash(key):016x}"
