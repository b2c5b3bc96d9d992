"""`explain_dataset`: a run over many images, each of which is in the store once in the end."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from captum_scd._captum import progress_bar
from captum_scd._warnings import once
from captum_scd.dataset.interrupts import postponed
from captum_scd.dataset.loading import LoadedPart, loaded
from captum_scd.dataset.parts import AGAIN, DONE, PART, Part, by_size, parts
from captum_scd.dataset.samples import Sample, known_length, samples
from captum_scd.runs.explaining import Explaining, Model
from captum_scd.settings import check_integer
from captum_scd.store import Entry, MaskStore
from captum_scd.store.index import Index
from captum_scd.store.mask_store import Place


@dataclass(frozen=True)
class Outcome:
    """What became of the images of a run.

    Attributes:
        done: number of images that were explained.
        skipped: number of images that were in the store before.
        failed: reasons why the others are not, by key.
        replaced: how many of those that were explained took the place of another photo of the same key.

    >>> import tempfile
    >>> colour = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    >>> dataset = [("robin.jpg", torch.rand(3, 8, 8)), Sample("wren.jpg", [0.1, 0.2])]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     explain_dataset(colour, dataset, folder, show_progress=False, n_iterations=2, mask_size=4)
    Outcome(done=1, skipped=0, failed={'wren.jpg': 'it is a list, not a tensor'})
    """

    done: int
    skipped: int
    failed: Mapping[str, str]
    replaced: int = field(default=0, repr=False)

    @classmethod
    def of(cls, done: int, count: int, store: MaskStore, seen: Index, changed: Collection[str]) -> "Outcome":
        """What became of `count` images whose keys were seen, `done` of which this run has explained.

        A photo that could not be done again, and is what it was once more, has not failed.
        """
        told = {key: (why, seen.batch_of(key)) for key, why in store.failures.items()}
        for key in (key for key, (_, part) in told.items() if part == DONE):
            store.forgive(key)
        failed = {key: why for key, (why, part) in told.items() if part not in (None, DONE)}
        again = sum(key not in failed for key in changed)
        return cls(done, count - done - len(failed), failed, again)


def explain_dataset(
    model: Model,
    dataset: Any,
    store: Place | MaskStore,
    *,
    batch_size: int = 8,
    part_size: int = PART,
    workers: int = 2,
    device: str | None = None,
    classes: Sequence[str] = (),
    preparation: Any = None,
    method: Mapping[str, Any] | None = None,
    show_progress: bool = True,
    **settings: Any,
) -> Outcome:
    """Explain all images of a data set that are not in a store yet.

    A run that was broken off, for whatever reason, goes on where it stopped: call this again with the same
    arguments. The store is the same in the end, however often that happened. Memory does not
    grow with the number of images, except for twelve bytes per key.

    An image is done if its key is in the store. Where samples know the hash of their file, the hash must be
    the same, too: a photo that has changed is explained again, and its new masks replace the old ones.

    An image that cannot be loaded or explained is noted in the store's `failures`, and tried again by the
    next run. The first Ctrl-C finishes the part in flight and then raises `KeyboardInterrupt`; the second one
    raises at once. The store is whole either way.

    Args:
        model: a network in eval mode that gives logits (N, classes), or a function that loads one.
        dataset: anything to iterate over, such as a torch `Dataset` or `DataLoader`, of (key, image),
            (key, image, target) or `Sample`; images (C, *size) as the network takes them, a target of None
            for the predicted class. It is iterated over in a separate thread.
        store: path or URL, where a store is made if there is none, or a store that is open to append.
        batch_size: most images in a batch of the network.
        part_size: images that are committed at once.
        workers: threads that load samples which are not loaded yet.
        device: where the network runs; None leaves it where it is.
        classes: class names in output order, kept in the store.
        preparation: how images were made, as JSON can hold it, kept in the store.
        method: options of `FIDOAttribution`.
        show_progress: show a progress bar on standard error.
        **settings: options of `FIDOAttribution.attribute`, the seed among them.

    Returns:
        How many images were done, skipped, and why some failed.

    Raises:
        ValueError: for a key that comes twice, settings out of range, or a store of other settings, images or
            network.
        OSError: if the store cannot be written; what was committed before is whole.
        RuntimeError: if all images of a batch of the network fail in it.

    >>> import tempfile
    >>> colour = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    >>> dataset = [(f"{k}.jpg", torch.rand(3, 8, 8)) for k in range(3)]
    >>> quick = {"n_iterations": 2, "mask_size": 4, "show_progress": False}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     explain_dataset(colour, dataset[:2], folder, **quick)
    ...     explain_dataset(colour, dataset, folder, **quick)
    ...     list(MaskStore.open(folder))
    Outcome(done=2, skipped=0, failed={})
    Outcome(done=1, skipped=2, failed={})
    ['0.jpg', '1.jpg', '2.jpg']
    """
    check_counts(batch_size=batch_size, part_size=part_size, workers=workers)
    explaining = Explaining(model, settings, method or {}, device)
    run = Run(explaining, opened(store, explaining.identity(classes, preparation)), batch_size)
    found = parts(samples(dataset), run.store, part_size, run.seen)
    return run.over(found, workers, known_length(dataset) if show_progress else None, show_progress)


def check_counts(**counts: int) -> None:
    """Raise unless each of them is 1 at least."""
    for name, value in counts.items():
        check_integer(name, value, least=1)


def opened(store: Place | MaskStore, identity: Mapping[str, Any]) -> MaskStore:
    """Open or make a store of this identity to append; raises as `MaskStore.at` does."""
    if not isinstance(store, MaskStore):
        return MaskStore.at(store, identity)
    store.check(identity)
    return store


@dataclass
class Run:
    """A run in one process.

    Attributes:
        explaining: the network and the question.
        store: where entries go.
        batch_size: most images in a batch of the network.
        seen: all keys that came by.
        done, count: images that were explained, and that came by.
        changed: keys whose photo is another than it was.
    """

    explaining: Explaining
    store: MaskStore
    batch_size: int
    seen: Index = field(default_factory=Index)
    done: int = 0
    count: int = 0
    changed: list[str] = field(default_factory=list)

    def over(self, found: Iterable[Part], workers: int, total: int | None, show_progress: bool) -> Outcome:
        """Explain parts, one after another."""
        with (
            once(),
            postponed() as interrupted,
            loaded(found, workers) as coming,
            progress_bar("explaining", total, show_progress) as advance_to,
        ):
            for one in coming:
                self.explain(one, advance_to)
                if interrupted():
                    raise KeyboardInterrupt
        return Outcome.of(self.done, self.count, self.store, self.seen, self.changed)

    def explain(self, one: LoadedPart, advance_to: Callable[[int], object] = int) -> None:
        """Explain a part and commit it, telling `advance_to` the number of images that were dealt with."""
        before = self.count + one.part.count - len(one.part.todo)
        entries: list[Entry] = []
        failed: dict[str, str] = {}
        advance_to(before)
        for group in by_size(one.images(failed), self.batch_size):
            found, reasons = self._explained(group)
            entries += found
            failed |= reasons
            advance_to(before + len(entries) + len(failed))
        self._commit(one.part, entries, failed)
        advance_to(self.count)

    def _explained(self, group: Sequence[tuple[Sample, torch.Tensor]]) -> tuple[list[Entry], dict[str, str]]:
        asked = [sample for sample, _ in group]
        found, failed = self.explaining.each(
            [one.key for one in asked],
            torch.stack([image for _, image in group]),
            [one.target for one in asked],
            [one.label for one in asked],
            [one.source for one in asked],
            [str(one.digest) for one in asked],
        )
        if len(failed) == len(group) == self.batch_size > 1:
            key, why = next(iter(failed.items()))
            raise RuntimeError(
                f"Expected the network to explain some image of a batch of {len(group)}, but all failed; "
                f"{key!r}: {why}."
            )
        return found, failed

    def _commit(self, part: Part, entries: Sequence[Entry], failed: Mapping[str, str]) -> None:
        for key, why in failed.items():
            self.store.fail(key, why, part.replaces.get(key))
        if entries or (failed and not part.name.startswith(AGAIN)):
            order = {sample.key: place for place, sample in enumerate(part.todo)}
            self.store.append(sorted(entries, key=lambda entry: order[entry.key]), part.name, part.replaces)
        self.done += len(entries)
        self.changed += part.replaces
        self.count += part.count
