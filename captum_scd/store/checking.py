"""Checking that everything in a store is what was put there."""

from collections.abc import Iterator
from dataclasses import dataclass

from captum_scd.store.index import Index
from captum_scd.store.mask_store import MaskStore


@dataclass(frozen=True)
class Problem:
    """Something in a store that is not as it was put there.

    Attributes:
        batch: where it is.
        key: the image it is about, empty where it is about a whole batch.
        what: in words.

    >>> print(Problem("first", "cat.jpg", "it is in batch second, too"))
    batch first, image 'cat.jpg': it is in batch second, too
    """

    batch: str
    key: str
    what: str

    def __str__(self) -> str:
        place = f"batch {self.batch}"
        return f"{place}, image {self.key!r}: {self.what}" if self.key else f"{place}: {self.what}"


def verify(store: MaskStore) -> Iterator[Problem]:
    """Read every entry and say what is missing, damaged or there twice.

    Facts and masks are compared with the hashes they were written with, and with what they must be. What a
    run that was broken off left without committing it is no problem: nothing points to it.

    Args:
        store: of any size; one batch is held at a time.

    Two writers who were both given the same image:

    >>> import tempfile
    >>> from captum_scd.masks import FIDOMasks
    >>> from captum_scd.store import Entry
    >>> identity = {"settings": {"seed": 0}, "model": "c0ffee", "classes": ["a", "b"], "preparation": None}
    >>> masks = FIDOMasks(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), size=(4, 4))
    >>> entry = Entry("cat.jpg", masks, 0, 0, {"image": 0.9}, {"ssr": 1.0})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     MaskStore.create(folder, identity).append([entry], batch="one")
    ...     MaskStore.writer(folder).append([entry], batch="two")
    ...     for problem in verify(MaskStore.open(folder)):
    ...         print(problem)
    batch two, image 'cat.jpg': it is in batch one, too
    """
    seen = Index()
    for batch, what in sorted({**store.damaged, **store.damaged_failures}.items()):
        yield Problem(batch, "", what)
    for batch in store.batches:
        try:
            keys = [entry.key for entry in store.read(batch)]
        except ValueError as error:
            yield Problem(batch, "", str(error.__cause__ or error))
            continue
        for key in keys:
            first = seen.batch_of(key)
            if first is not None and not (store.is_replaced(key, first) or store.is_replaced(key, batch)):
                yield Problem(batch, key, f"it is in batch {first}, too")
        seen.add(batch, keys)
