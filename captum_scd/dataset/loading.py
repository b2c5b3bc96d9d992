"""Loading ahead of the network: one part is explained while the next is loaded."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Full, Queue

from torch import Tensor

from captum_scd._errors import ImageError
from captum_scd.dataset.parts import Part
from captum_scd.dataset.samples import Sample, loaded_sample

AHEAD = 1
"""Parts that wait, loaded or being loaded, beside the one at work and the one that is being read."""


@dataclass(frozen=True)
class LoadedPart:
    """A part whose images are there, or on their way."""

    part: Part
    loading: list[tuple[Sample, "Future[tuple[Sample, Tensor]]"]]

    @classmethod
    def begun(cls, part: Part, pool: ThreadPoolExecutor) -> "LoadedPart":
        """Begin to load its images."""
        return cls(part, [(sample, pool.submit(loaded_sample, sample)) for sample in part.todo])

    def images(self, failed: dict[str, str]) -> Iterator[tuple[Sample, Tensor]]:
        """Yield images and their hashed samples in order, as they come; note what cannot be loaded."""
        for sample, image in self.loading:
            try:
                yield image.result()
            except ImageError as error:
                failed[sample.key] = str(error)


@contextmanager
def loaded(parts: Iterable[Part], workers: int) -> Iterator[Iterator[LoadedPart]]:
    """Go through parts in a thread of their own, and load images in `workers` more.

    Yields:
        The parts in their order. What going through them raises is raised after the last one before it.
    """
    waiting: Queue[LoadedPart | BaseException | None] = Queue(AHEAD)
    stop = threading.Event()
    with ThreadPoolExecutor(workers, "captum-scd-load") as pool:
        reader = threading.Thread(target=_read, args=(parts, pool, waiting, stop), daemon=True)
        reader.start()
        try:
            yield _taken(waiting)
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            reader.join()


def _read(
    parts: Iterable[Part],
    pool: ThreadPoolExecutor,
    waiting: "Queue[LoadedPart | BaseException | None]",
    stop: threading.Event,
) -> None:
    try:
        for part in parts:
            if stop.is_set():
                return
            _put(LoadedPart.begun(part, pool), waiting, stop)
        _put(None, waiting, stop)
    except BaseException as error:
        _put(error, waiting, stop)


def _put(
    one: LoadedPart | BaseException | None,
    waiting: "Queue[LoadedPart | BaseException | None]",
    stop: threading.Event,
) -> None:
    """Wait for room, but not where nobody takes anything any more."""
    while not stop.is_set():
        with suppress(Full):
            waiting.put(one, timeout=0.1)
            return


def _taken(waiting: "Queue[LoadedPart | BaseException | None]") -> Iterator[LoadedPart]:
    while (one := waiting.get()) is not None:
        if isinstance(one, BaseException):
            raise one
        yield one
