"""The same store from a cluster of two nodes as from one process, whatever is killed meanwhile."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from far_images import far_images, load, other_weights, word_of
from quick import QUICK

from captum_scd.dataset import explain_dataset
from captum_scd.dataset.on_ray import explain_on_ray
from captum_scd.dataset.spreading import Cluster
from captum_scd.store import MaskStore, verify

pytestmark = pytest.mark.ray
IMAGES = 42
OPTIONS: dict[str, Any] = {**QUICK, "seed": 0, "batch_size": 2, "part_size": 3, "show_progress": False}
STEP = 1 / 255


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A cluster of two nodes with two logical CPUs each, in processes of this machine."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster as Nodes

    room = {"num_cpus": 2, "object_store_memory": 100 * 2**20}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        nodes = Nodes(initialize_head=True, head_node_args={**room, "include_dashboard": False})
        nodes.second = nodes.add_node(**room)
    yield nodes
    nodes.shutdown()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> MaskStore:
    """A store from one process."""
    folder = tmp_path_factory.mktemp("undisturbed")
    explain_dataset(load, far_images(IMAGES, folder), folder / "masks.zarr", **OPTIONS)
    return MaskStore.open(folder / "masks.zarr")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "masks.zarr"


def check_same(store: MaskStore, other: MaskStore) -> None:
    """Each image once, and within one step of 8 bits."""
    assert list(verify(store)) == []
    assert sorted(store) == sorted(other)
    assert len(list(store)) == len(store) == IMAGES - 1
    assert store.failures == other.failures
    for key in other:
        for mode in ("ssr", "sdr", "joint"):
            assert (store[key].mask(mode) - other[key].mask(mode)).abs().max() <= STEP


def meanwhile(place: Path, harm: Callable[[], None]) -> Thread:
    """Do something once three parts are committed."""

    def wait() -> None:
        while len(list(place.glob("facts/*/zarr.json"))) < 3:
            time.sleep(0.05)
        harm()

    thread = Thread(target=wait, daemon=True)
    thread.start()
    return thread


def test_two_workers_come_to_what_one_process_comes_to(
    nodes: Any, undisturbed: MaskStore, place: Path, tmp_path: Path
) -> None:
    words, cluster = tmp_path / "words", Cluster(2, address=nodes.address)
    begun = far_images(IMAGES, words)
    explain_dataset(load, begun[:9], place, **OPTIONS)  # begun in one process, continued by two
    outcome = explain_on_ray(load, begun, place, cluster=cluster, **OPTIONS)
    check_same(MaskStore.open(place), undisturbed)
    assert (outcome.done, outcome.skipped, list(outcome.failed)) == (IMAGES - 9, 8, ["image 7"])
    assert len(set(word_of(words)) - {os.getpid()}) == 2


def test_a_worker_that_is_killed_loses_and_doubles_nothing(
    nodes: Any, undisturbed: MaskStore, place: Path, tmp_path: Path
) -> None:
    words = tmp_path / "words"
    killing = meanwhile(place, lambda: os.kill(word_of(words)[0], signal.SIGKILL))
    slow = far_images(IMAGES, words, seconds=0.2)
    outcome = explain_on_ray(load, slow, place, cluster=Cluster(2, address=nodes.address), **OPTIONS)
    assert not killing.is_alive()
    check_same(MaskStore.open(place), undisturbed)
    assert outcome.skipped == 0
    assert len(word_of(words)) == 3  # two, and one in place of the killed one


def test_workers_that_disagree_with_the_store_are_told_of_once(
    nodes: Any, place: Path, tmp_path: Path
) -> None:
    cluster = Cluster(1, address=nodes.address)
    with pytest.raises(
        RuntimeError, match=r"3 parts in a row raised; the last error was: ValueError: .*model"
    ):
        explain_on_ray(other_weights, far_images(9, tmp_path), place, cluster=cluster, **OPTIONS)
    assert len(MaskStore.open(place)) == 0


def test_a_node_that_is_removed_loses_and_doubles_nothing(
    nodes: Any, undisturbed: MaskStore, place: Path, tmp_path: Path
) -> None:
    words = tmp_path / "words"
    removing = meanwhile(place, lambda: nodes.remove_node(nodes.second, allow_graceful=False))
    slow = far_images(IMAGES, words, seconds=0.2)
    cluster = Cluster(3, address=nodes.address)  # more than one node has room for
    outcome = explain_on_ray(load, slow, place, cluster=cluster, **OPTIONS)
    assert not removing.is_alive()
    check_same(MaskStore.open(place), undisturbed)
    assert outcome.skipped == 0
