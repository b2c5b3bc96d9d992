"""Which batch holds a key, in twelve bytes a key, so that ten million fit into the memory of a laptop."""

import hashlib
from collections.abc import Sequence
from threading import Lock

import numpy as np

MOST_FRESH = 1 << 16
"""Keys that are held as a dictionary until they are sorted in with the others."""


class Index:
    """Keys by 64-bit hash. Two of ten million keys share one with a chance of three in a million.

    >>> index = Index()
    >>> index.add("first", ["a", "b"])
    >>> index.batch_of("b"), index.batch_of("c"), len(index)
    ('first', None, 2)
    """

    def __init__(self) -> None:
        self._names: dict[str, int] = {}
        self._order: list[str] = []
        self._hashes = np.empty(0, dtype=np.uint64)
        self._batches = np.empty(0, dtype=np.int32)
        self._fresh: dict[int, int] = {}
        self._lock = Lock()  # a run looks up keys in one thread, and adds those it has done in another

    @property
    def batches(self) -> Sequence[str]:
        """Names of the batches, in the order in which they came."""
        return self._order

    def has_batch(self, name: str) -> bool:
        """Tell whether a batch was added."""
        return name in self._names

    def add(self, name: str, keys: Sequence[str]) -> None:
        """Add a batch; of a key that comes twice, the first batch counts."""
        self._names[name] = len(self._order)
        self._order.append(name)
        with self._lock:
            for value in map(key_hash, keys):
                if self._find(value) is None:
                    self._fresh[value] = len(self._order) - 1
            if len(self._fresh) > MOST_FRESH:
                self._sort_in()

    def move(self, key: str, name: str) -> None:
        """Have another batch hold a key; both are there."""
        value, batch = key_hash(key), self._names[name]
        with self._lock:
            if value in self._fresh:
                self._fresh[value] = batch
            else:
                self._batches[int(np.searchsorted(self._hashes, np.uint64(value)))] = batch

    def batch_of(self, key: str) -> str | None:
        """Name the batch that holds a key."""
        with self._lock:
            position = self._find(key_hash(key))
        return None if position is None else self._order[position]

    def __len__(self) -> int:
        return len(self._hashes) + len(self._fresh)

    def _find(self, value: int) -> int | None:
        if value in self._fresh:
            return self._fresh[value]
        place = int(np.searchsorted(self._hashes, np.uint64(value)))
        found = place < len(self._hashes) and int(self._hashes[place]) == value
        return int(self._batches[place]) if found else None

    def _sort_in(self) -> None:
        hashes = np.concatenate([self._hashes, np.fromiter(self._fresh.keys(), np.uint64)])
        batches = np.concatenate([self._batches, np.fromiter(self._fresh.values(), np.int32)])
        order = hashes.argsort(kind="stable")
        self._hashes, self._batches, self._fresh = hashes[order], batches[order], {}


def key_hash(key: str) -> int:
    """Hash a key to 64 bits, alike in every process."""
    name = key.encode("utf-8", "surrogatepass")  # of a file whose name is no text, too
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little")
