"""A data set explained by the workers of a Ray cluster, into one store.

Nothing here trusts that Ray does a task exactly once. Parts are formed from the order of the data set alone,
each is committed as a whole under a name made of its keys, and doing it again changes nothing. What was not
answered for is given out again, and in the end the store itself is asked what it holds.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from captum_scd._captum import progress_bar
from captum_scd._errors import one_line
from captum_scd._version import __version__
from captum_scd.dataset.loading import LoadedPart
from captum_scd.dataset.parts import AGAIN, PART, Part, chunks, parts
from captum_scd.dataset.running import Outcome, Run, check_counts, opened
from captum_scd.dataset.samples import known_length, samples
from captum_scd.dataset.spreading import Cluster, LostError, TaskAnswer, Work, connected, spread
from captum_scd.runs.explaining import Explaining, Model
from captum_scd.store import MaskStore
from captum_scd.store.index import Index
from captum_scd.store.mask_store import Place

READERS = 8
"""Images of a part that a worker loads at a time: what is far away is waited for together."""

WINDOW = 4096
"""Parts that are given to Ray at a time, so that memory does not grow with the data set; for each window the
workers start anew."""

ROUNDS = 3
"""Times a part is given out before the run gives up."""

PATIENCE = 3
"""Parts that may raise one after the other, with none done between them, before the run gives up."""


def explain_on_ray(
    model: Model,
    dataset: Any,
    store: Place,
    *,
    cluster: Cluster | None = None,
    batch_size: int = 8,
    part_size: int = PART,
    device: str | None = None,
    classes: Sequence[str] = (),
    preparation: Any = None,
    method: Mapping[str, Any] | None = None,
    show_progress: bool = True,
    **settings: Any,
) -> Outcome:
    """Explain all images of a data set that are not in a store yet, on a Ray cluster.

    It does what `explain_dataset` does, in many processes, with the same arguments and the same entries: a
    run that was begun with one can be continued with the other. A worker or a machine that is lost costs the
    parts it had in flight, which others do. Ctrl-C ends the workers at once; what they committed stays.

    Args:
        model: a function that loads a network in eval mode, or a network; it is pickled: its code and
            the files it reads must be there on each worker.
        dataset: of samples, as `explain_dataset` takes it, gone through in this process. Their images should
            be functions that load them, which the workers call; tensors are sent through Ray.
        store: path or URL that every worker can write to.
        cluster: the workers and where they are, by default one on this machine.
        batch_size, part_size, classes, preparation, method, show_progress, **settings: see `explain_dataset`.
        device: where the networks run, by default `"cuda"` for workers with GPUs and `"cpu"` for others.

    Returns:
        How many images were done, skipped, and why some failed.

    Raises:
        RuntimeError: if workers raise again and again, or parts are missing in the end; what is committed
            stays, and the same call goes on from there.
        ValueError, OSError: as `explain_dataset` does, and as `connected` does.
        ImportError: without Ray Data.
    """
    check_counts(batch_size=batch_size, part_size=part_size)
    cluster = cluster or Cluster()
    where = device or ("cuda" if cluster.gpus_per_worker else "cpu")
    here = Explaining(model, settings, method or {}, None)
    target = opened(_absolute(store), here.identity(classes, preparation))
    make = Committing(Explaining(model, settings, method or {}, where), target.place, batch_size)
    total, seen = known_length(dataset) if show_progress else None, Index()
    with connected(cluster), progress_bar("explaining", total, show_progress) as advance_to:
        run = RayRun(make, cluster, advance_to)
        for window in chunks(parts(samples(dataset), target, part_size, seen), WINDOW):
            run.over(window)
    return run.outcome(MaskStore.open(target.place, "a"), seen)


@dataclass(frozen=True)
class Committing:
    """What a worker does with a part: load its images, explain them, commit them. It pickles.

    Attributes:
        explaining: the network and the question.
        place: of the store.
        batch_size: most images in a batch of the network.
        version: of captum_scd that the run was started with.
    """

    explaining: Explaining
    place: str
    batch_size: int
    version: str = __version__

    def __call__(self) -> Work:
        """Get ready, in a worker.

        Raises:
            RuntimeError: where another version of this package is installed.
            ValueError: where the network comes out with other weights than in the process that began.
        """
        if self.version != __version__:
            raise RuntimeError(
                f"Expected captum_scd {self.version} on every machine of the cluster, but got {__version__}"
            )
        store = MaskStore.writer(self.place)
        asked = store.identity
        store.check(self.explaining.identity(asked["classes"], asked["preparation"]))
        return lambda part: self._loaded(store, part)

    def _loaded(self, store: MaskStore, part: Part) -> Any:
        with ThreadPoolExecutor(READERS) as pool:
            one = LoadedPart.begun(part, pool)
        return lambda: self._committed(store, one)

    def _committed(self, store: MaskStore, one: LoadedPart) -> int:
        run = Run(self.explaining, store, self.batch_size)
        run.explain(one)
        return run.done


class RayRun:
    """A run on a cluster.

    Args:
        make: what each worker does.
        cluster: connected.
        advance_to: is told the number of images that were dealt with.
    """

    def __init__(self, make: Committing, cluster: Cluster, advance_to: Any) -> None:
        self._make, self._cluster, self._advance_to = make, cluster, advance_to
        self._given: list[str] = []
        self._changed: list[str] = []
        self._done = self._count = 0

    def over(self, window: Sequence[Part]) -> None:
        """Have parts done, each until it is answered for.

        Raises:
            RuntimeError: if workers raise again and again.
        """
        todo = {part.name: part for part in window if part.todo}
        self._advance(sum(part.count - len(part.todo) for part in window))
        self._given += todo
        self._changed += [key for part in window for key in part.replaces]
        error = ""
        for _ in range(ROUNDS):
            try:
                for answer in self._answers(todo):
                    error = answer.error or error
                    if answer.error is None and answer.name in todo:
                        self._done += answer.value
                        self._advance(len(todo.pop(answer.name).todo))
            except LostError as lost:
                error = one_line(lost)
        if todo:
            raise _given_up(f"{len(todo)} parts raised {ROUNDS} times each", error)

    def outcome(self, store: MaskStore, seen: Index) -> Outcome:
        """Ask the store itself what it holds.

        Raises:
            RuntimeError: if a part is not there.
        """
        there = set(store.batches)
        missing = [name for name in self._given if name not in there and not name.startswith(AGAIN)]
        if missing:
            raise _given_up(f"{len(missing)} of {len(self._given)} parts are not in the store", "none")
        return Outcome.of(self._done, self._count, store, seen, self._changed)

    def _answers(self, parts: Mapping[str, Part]) -> Iterator[TaskAnswer]:
        """Yield answers until there are no more, or too many errors in a row."""
        in_a_row, patience = 0, min(PATIENCE, len(parts))
        with closing(spread(dict(parts), self._make, self._cluster)) as answers:
            for answer in answers:
                in_a_row = in_a_row + 1 if answer.error else 0
                if in_a_row == patience:
                    raise _given_up(f"{in_a_row} parts in a row raised", answer.error)
                yield answer

    def _advance(self, images: int) -> None:
        self._count += images
        self._advance_to(self._count)


def _absolute(place: Place) -> Place:
    """A path in full, as workers have working folders of their own; a URL as it is."""
    return place if "://" in os.fspath(place) else os.path.abspath(place)


def _given_up(what: str, error: str | None) -> RuntimeError:
    return RuntimeError(
        f"Expected the workers to explain every part, but {what}; the last error was: {error}. What is done "
        "is in the store, and the same run goes on from there."
    )
