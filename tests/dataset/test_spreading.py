"""What a worker answers, and which clusters will do; without a cluster."""

import pickle
import sys
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from captum_scd.dataset import spreading
from captum_scd.dataset.spreading import LARGEST, Answer, Cluster, Worker, packets


class Doubling:
    """Doubles numbers, and counts what is going on at the same time."""

    def __init__(self) -> None:
        self.made = self.working = self.most = 0

    def make(self) -> Callable[[int], Callable[[], int]]:
        self.made += 1
        return self.prepare

    def prepare(self, number: int) -> Callable[[], int]:
        if number < 0:
            raise OSError("no such\nfile")
        return lambda: self.double(number)

    def double(self, number: int) -> int:
        self.working += 1
        self.most = max(self.most, self.working)
        time.sleep(0.002)
        self.working -= 1
        if number == 13:
            raise ValueError("unlucky")
        return 2 * number


def answers(worker: Worker, **tasks: Any) -> list[Answer]:
    rows = [pickle.dumps(task) for task in tasks.items()]
    return [pickle.loads(packed) for packed in worker({"task": rows})["answer"]]


def test_a_worker_makes_its_work_once_and_at_its_first_task() -> None:
    doubling = Doubling()
    worker = Worker(doubling.make)
    assert doubling.made == 0
    assert answers(worker, a=1, b=2) == [Answer("a", 2), Answer("b", 4)]
    assert answers(worker, c=3) == [Answer("c", 6)]
    assert doubling.made == 1


def test_a_worker_never_raises() -> None:
    worker = Worker(Doubling().make)
    found = answers(worker, read=-1, act=13, fine=1)
    assert [one.error for one in found] == ["OSError: no such file", "ValueError: unlucky", None]
    assert [one.value for one in found] == [None, None, 2]


def test_a_worker_that_cannot_get_ready_says_so_with_every_task() -> None:
    def broken() -> Any:
        raise RuntimeError("no weights")

    assert [one.error for one in answers(Worker(broken), a=1, b=2)] == ["RuntimeError: no weights"] * 2


def test_threads_of_a_worker_act_one_at_a_time() -> None:
    doubling = Doubling()
    worker = Worker(doubling.make)
    threads = [
        Thread(target=answers, args=(worker,), kwargs={f"{k}.{i}": i for i in range(20)}) for k in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert doubling.made == 1
    assert doubling.most == 1


@pytest.mark.parametrize("tasks", [1, 39, 40, 41, 10_000, 10_001])
def test_packets_are_enough_for_balance_and_not_too_large(tasks: int) -> None:
    count = packets(tasks, workers=2)
    assert 1 <= count <= tasks
    assert -(-tasks // count) <= LARGEST
    assert count >= min(tasks, 40)


def test_bad_clusters_are_refused() -> None:
    with pytest.raises(ValueError, match="`workers` to be at least 1, but got 0"):
        Cluster(workers=0)
    with pytest.raises(ValueError, match="`gpus_per_worker` to be at least 0, but got -1"):
        Cluster(gpus_per_worker=-1)


def test_a_cluster_without_room_for_a_worker_is_refused_instead_of_waited_for() -> None:
    spreading._check_room({"CPU": 2.0, "GPU": 0.5}, Cluster(gpus_per_worker=0.5))
    with pytest.raises(ValueError, match="with 1 GPU for a worker, but this one has 0"):
        spreading._check_room({"CPU": 2.0}, Cluster(gpus_per_worker=1))


def test_without_ray_one_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ImportError, match=r"pip install 'captum-scd\[ray\]'"),
        spreading.connected(Cluster()),
    ):
        pass


def test_no_tasks_need_no_cluster() -> None:
    assert list(spreading.spread({}, Doubling().make, Cluster())) == []
