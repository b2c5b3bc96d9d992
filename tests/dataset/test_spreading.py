"""What a worker answers, and which clusters will do; without a cluster."""

import pickle
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from doubling import Doubling, broken

from captum_scd.dataset import spreading
from captum_scd.dataset.on_ray import explain_on_ray
from captum_scd.dataset.spreading import LARGEST, Cluster, TaskAnswer, Worker, packets


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    Doubling.made = Doubling.working = Doubling.most = 0


@pytest.fixture
def worker() -> Worker:
    return Worker(pickle.dumps(Doubling.make))


def answers(worker: Worker, **tasks: Any) -> list[TaskAnswer]:
    rows = {"name": list(tasks), "task": [pickle.dumps(task) for task in tasks.values()]}
    return [pickle.loads(answer) for answer in worker(rows)["answer"]]


def test_a_worker_makes_its_work_once_and_at_its_first_task(worker: Worker) -> None:
    assert Doubling.made == 0
    assert answers(worker, a=1, b=2) == [TaskAnswer("a", 2), TaskAnswer("b", 4)]
    assert answers(worker, c=3) == [TaskAnswer("c", 6)]
    assert Doubling.made == 1


def test_a_worker_never_raises(worker: Worker) -> None:
    found = answers(worker, read=-1, act=13, fine=1)
    assert [one.error for one in found] == ["OSError: no such file", "ValueError: unlucky", None]
    assert [one.value for one in found] == [None, None, 2]


def test_a_worker_that_cannot_get_ready_says_so_with_every_task() -> None:
    found = answers(Worker(pickle.dumps(broken)), a=1, b=2)
    assert [one.error for one in found] == ["RuntimeError: no weights"] * 2


def test_a_worker_that_lacks_a_module_says_which() -> None:
    elsewhere = pickle.dumps(Doubling.make).replace(b"doubling", b"nowhere_")
    assert [one.error for one in answers(Worker(elsewhere), a=1)] == [
        "ModuleNotFoundError: No module named 'nowhere_'"
    ]


def test_threads_of_a_worker_act_one_at_a_time(worker: Worker) -> None:
    tasks = [{f"{k}.{i}": i for i in range(20)} for k in "ab"]
    threads = [Thread(target=answers, args=(worker,), kwargs=some) for some in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Doubling.made, Doubling.most) == (1, 1)


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
    assert list(spreading.spread({}, Doubling.make, Cluster())) == []


@pytest.mark.parametrize("name", ["batch_size", "part_size"])
def test_a_run_of_no_images_at_a_time_is_refused_before_anything_starts(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{name}.* at least 1, but got 0"):
        explain_on_ray(Doubling, [], tmp_path / "masks.zarr", **{name: 0})
    assert not any(tmp_path.iterdir())
