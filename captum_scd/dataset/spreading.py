"""Work spread over the machines of a Ray cluster: tasks in, answers out as they are done.

A Ray Data pipeline of one stage, a pool of actors. What travels is small: the names of images, not their
pixels, which the worker that needs them reads. A stage of its own for reading would compete with the workers
for logical CPUs: with as many workers as CPUs it never starts, and with tasks that ask for none Ray starts a
process for each.
"""

import logging
import os
import pickle
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from captum_scd._errors import one_line

IN_FLIGHT = 2
"""Tasks that a worker holds at a time: one it works on, one whose images it reads meanwhile."""

ANSWERS = 20
"""Packets of tasks a worker gets, where there are so many, so that all end at about the same time."""

LARGEST = 4
"""Tasks in a packet, at most: what Ray books, hands out, and does again as a whole where a worker is lost."""


@dataclass(frozen=True)
class Cluster:
    """Which Ray cluster does the work, and how many workers it has.

    Attributes:
        workers: processes with a network each.
        gpus_per_worker: GPUs that each takes, 0 for none; half a GPU is 0.5.
        address: of a cluster that is there (`"auto"` or `"HOST:PORT"`); by default the one this process is
            connected to, else one that is started on this machine and ends with the work.

    Raises:
        ValueError: for less than one worker, or a negative number of GPUs.
    """

    workers: int = 1
    gpus_per_worker: float = 0.0
    address: str | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ValueError(f"Expected `workers` to be at least 1, but got {self.workers}.")
        if self.gpus_per_worker < 0:
            raise ValueError(f"Expected `gpus_per_worker` to be at least 0, but got {self.gpus_per_worker}.")


@dataclass(frozen=True)
class TaskAnswer:
    """What became of a task.

    Attributes:
        name: of the task.
        value: what the work returned, None where it raised.
        error: in one line, what it raised, None where it returned.
    """

    name: str
    value: Any = None
    error: str | None = None


Work = Callable[[Any], Callable[[], Any]]
"""Called without a lock it gets ready for a task, such as reading images; what it returns is called by one
thread at a time, and gives the answer."""


@contextmanager
def connected(cluster: Cluster) -> Iterator[None]:
    """Connect to a cluster, or start one, unless this process is connected already.

    Raises:
        ImportError: without Ray Data.
        ConnectionError: where there is no cluster at the address.
        ValueError: for a cluster on which not a single worker can be.
    """
    ray = _ray()
    ours = not ray.is_initialized()
    if ours:
        _connect(ray, cluster)
    try:
        _check_room(ray.cluster_resources(), cluster)
        yield
    finally:
        if ours:
            ray.shutdown()


def spread(
    tasks: Mapping[str, Any], make: Callable[[], Work], cluster: Cluster
) -> Generator[TaskAnswer, None, None]:
    """Work on tasks, and yield what became of each as it is known, in any order.

    Whatever happens to workers and machines meanwhile, Ray does again; a task may therefore be done more than
    once, and must not mind. Closing the iterator ends the workers.

    Args:
        tasks: by name; small, and picklable.
        make: called once in each worker, by its first task; picklable.
        cluster: connected.

    Raises:
        LostError: if Ray gives up.
    """
    if not tasks:
        return
    ray = _ray()
    try:
        with _quiet():
            for row in _pipeline(tasks, make, cluster).iter_rows():
                yield pickle.loads(row["answer"])
    except ray.exceptions.RayError as error:
        raise LostError(f"Expected Ray to do all tasks, but it gave up ({one_line(error)}).") from error


class LostError(RuntimeError):
    """Ray has given up, for instance as no machine is left; what was not answered for can be tried again."""


class Worker:
    """An actor of the pool: makes its work once, and answers whatever comes, never raising.

    Args:
        make: pickled, gives the work; what it is made of may be missing here.
    """

    def __init__(self, make: bytes) -> None:
        self._make = make
        self._work: Work | None = None
        self._lock = threading.Lock()

    def __call__(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, list[bytes]]:
        """Answer tasks, columns `name` and, pickled, `task`, with pickled answers, column `answer`."""
        tasks = zip(rows["name"], rows["task"], strict=True)
        return {"answer": [pickle.dumps(self._answer(str(name), task)) for name, task in tasks]}

    def _answer(self, name: str, task: bytes) -> TaskAnswer:
        try:
            act = self._made()(pickle.loads(task))
            with self._lock:
                return TaskAnswer(name, act())
        except Exception as error:
            return TaskAnswer(name, error=one_line(error))

    def _made(self) -> Work:
        with self._lock:
            work: Work = self._work or pickle.loads(self._make)()
            self._work = work
            return work


def _pipeline(tasks: Mapping[str, Any], make: Callable[[], Work], cluster: Cluster) -> Any:
    import ray.data
    from ray import cloudpickle

    packed: Callable[[Any], bytes] = cloudpickle.dumps
    rows = [{"name": name, "task": packed(task)} for name, task in tasks.items()]
    blocks = packets(len(rows), cluster.workers)
    pool = ray.data.ActorPoolStrategy(
        size=min(cluster.workers, blocks),
        max_tasks_in_flight_per_actor=IN_FLIGHT,
        max_concurrent_calls_per_actor=IN_FLIGHT,
        enable_true_multi_threading=True,
    )
    return ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
        Worker,
        fn_constructor_args=(packed(make),),
        batch_size=1,
        compute=pool,
        num_cpus=1,
        num_gpus=cluster.gpus_per_worker or None,
    )


def packets(tasks: int, workers: int) -> int:
    """Count the packets that tasks are sent in.

    >>> packets(tasks=3, workers=2), packets(tasks=400, workers=2), packets(tasks=1_000_000, workers=8)
    (3, 100, 250000)
    """
    return max(min(tasks, ANSWERS * workers), -(-tasks // LARGEST))


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(
            "Expected Ray Data to be installed for work on a cluster, but it is not: "
            "pip install 'captum-scd[ray]'."
        ) from error
    return ray


def _connect(ray: Any, cluster: Cluster) -> None:
    """Connect without a word; `"local"` keeps Ray from joining what it finds on this machine."""
    own = {"num_cpus": max(cluster.workers, os.cpu_count() or 1), "include_dashboard": False}
    level = os.environ.get("RAY_BACKEND_LOG_LEVEL", "fatal")
    with _environment(PYTHONPATH=os.pathsep.join(sys.path), RAY_BACKEND_LOG_LEVEL=level):
        try:
            ray.init(
                address=cluster.address or "local",
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                **({} if cluster.address else own),
            )
        except ConnectionError as error:
            raise ConnectionError(
                f"Expected a Ray cluster at {cluster.address!r}, but none answers ({one_line(error)})."
            ) from error


def _check_room(there: Mapping[str, float], cluster: Cluster) -> None:
    """Refuse what would wait forever: Ray starts as many workers as it can, but not less than one."""
    asked = {"CPU": 1.0, "GPU": cluster.gpus_per_worker}
    for name, amount in asked.items():
        if amount > there.get(name, 0.0):
            raise ValueError(
                f"Expected a Ray cluster with {amount:g} {name} for a worker, but this one has "
                f"{there.get(name, 0.0):g}."
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars, plans and tracebacks of Ray Data's own; lost workers are its business."""
    from ray.data import DataContext

    context, logger = DataContext.get_current(), logging.getLogger("ray.data")
    kept = {name: getattr(context, name) for name in ("enable_progress_bars", "print_on_execution_start")}
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    for name in kept:
        setattr(context, name, False)
    try:
        yield
    finally:
        logger.setLevel(level)
        for name, value in kept.items():
            setattr(context, name, value)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set variables for as long as the block lasts; processes started in it keep them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
