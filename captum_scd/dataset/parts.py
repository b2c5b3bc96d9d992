"""Cutting a data set into parts, each of which is committed to a store as one batch.

A part is so many images that follow each other in the data set, whatever their sizes and whatever is done
already; its name is a hash of their keys. So a run that was broken off and goes on forms the same parts, and
needs no list of them. Within a part, images of one size share passes of the network, in their order.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

from torch import Tensor

from captum_scd.dataset.samples import Sample, Unloadable
from captum_scd.store import Kept, MaskStore
from captum_scd.store.index import Index

PART = 64
"""Images of a part: three objects of the store hold them, and a run that is killed loses less than these."""

DONE = "done"
"""Stands for a batch where keys that need nothing are noted."""

AGAIN = "again-"
"""Begins the name of a batch of what failed before or has changed since."""

READERS = 8
"""Files that are hashed at a time."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """What is committed at once.

    Attributes:
        name: of the store's batch.
        todo: images that are not in the store yet.
        count: all images of the part.
        replaces: keys that are in the store for another photo, with the batches they are in.
    """

    name: str
    todo: tuple[Sample, ...]
    count: int
    replaces: Mapping[str, str] = field(default_factory=dict)


def parts(samples: Iterable[Sample], store: MaskStore, size: int, seen: Index) -> Iterator[Part]:
    """Cut samples into parts and tell what is to be done of each.

    Of a part that was committed, only what failed or has changed is left; it gets another name.

    Args:
        samples: in the order of the data set.
        store: where some may be already.
        size: images of a part.
        seen: gets all keys; those that need nothing under `DONE`.

    Raises:
        ValueError: for a key that comes twice.
    """
    for some in chunks(samples, size):
        keys = [sample.key for sample in some]
        _check_single(seen, keys)
        kept = store.kept(keys)
        again = {sample.key: sample for sample in changed(some, kept)}
        todo = tuple(again.get(one.key, one) for one in some if one.key in again or one.key not in kept)
        name = batch_name(keys)
        if again or store.has_batch(name):
            name = f"{AGAIN}{batch_name([_version(one, kept) for one in todo])}"
        seen.add(name, [one.key for one in todo])
        seen.add(DONE, keys)
        yield Part(name, todo, len(some), {key: kept[key].batch for key in again})


def changed(samples: Sequence[Sample], kept: Mapping[str, Kept]) -> list[Sample]:
    """Find the samples whose photo is another than the one in the store.

    Where the store or the sample knows no hash, the key alone tells. A photo that cannot be read is another.

    Args:
        samples: some of a run.
        kept: what the store has of them, by key.

    Returns:
        Those that are to be done again. A photo that lies elsewhere is no new version of the one in the
        store, but another one: it fails with the reason when it is loaded.
    """
    asked = [one for one in samples if one.digest and one.key in kept and kept[one.key].digest]
    if not asked:
        return []
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(Sample.identified, asked))
    return [_again(one, kept[one.key]) for one in found if one.digest != kept[one.key].digest]


def _again(sample: Sample, kept: Kept) -> Sample:
    if sample.source == kept.source:
        return sample
    why = f"the store has another photo of this name, {kept.source!r}"
    return replace(sample, image=Unloadable(f"{why}; give both folders in one run, or another store"))


def batch_name(keys: Sequence[str]) -> str:
    """Name the batch of these keys, alike in every run and process.

    >>> batch_name(["a", "b"])[:8], batch_name(["b", "a"])[:8]
    ('3554d2b8', '5cc385e8')
    """
    return hashlib.sha256(json.dumps(list(keys)).encode()).hexdigest()[:32]


def chunks(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """Cut into tuples of `size`, the last may be shorter.

    >>> list(chunks("abcde", 2))
    [('a', 'b'), ('c', 'd'), ('e',)]
    """
    rest = iter(items)
    while some := tuple(islice(rest, size)):
        yield some


def by_size(images: Iterable[tuple[Sample, Tensor]], rows: int) -> Iterator[list[tuple[Sample, Tensor]]]:
    """Gather images of one shape and type, at most so many; those that are left over come last.

    >>> made = [(Sample(str(n), torch.ones(n)), torch.ones(n)) for n in (1, 2, 1, 1)]
    >>> [[sample.key for sample, _ in group] for group in by_size(made, rows=2)]
    [['1', '1'], ['2'], ['1']]
    """
    waiting: dict[tuple[object, ...], list[tuple[Sample, Tensor]]] = {}
    for sample, image in images:
        kind = (tuple(image.shape), image.dtype)
        group = waiting.setdefault(kind, [])
        group.append((sample, image))
        if len(group) == rows:
            yield waiting.pop(kind)
    yield from waiting.values()


def _version(sample: Sample, kept: Mapping[str, Kept]) -> str:
    """Name a sample; one that has changed, with its hash and what it follows, so that no two are alike."""
    return f"{sample.key} {sample.digest} {kept[sample.key].batch}" if sample.key in kept else sample.key


def _check_single(seen: Index, keys: Sequence[str]) -> None:
    double = [key for key in keys if seen.batch_of(key) is not None]
    double += [key for place, key in enumerate(keys) if key in keys[:place]]
    if double:
        raise ValueError(f"Expected a key of its own for each image, but {double[0]!r} comes twice.")
