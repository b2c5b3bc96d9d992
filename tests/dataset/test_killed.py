"""Runs that are broken off by whatever end with each image in the store once, as if nothing had been."""

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import killed
import pytest

from captum_scd.store import MaskStore, verify
from captum_scd.store.quantization import quantize


@pytest.fixture(scope="module", autouse=True)
def _importable() -> Iterator[None]:
    """Let the process that all others are forked from import what this one can."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        yield


def start(store: Path, seconds: float) -> Any:
    """Start a run in another process, forked from one that has imported everything, and wait for it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed"])
    Path(f"{store}.txt").unlink(missing_ok=True)
    process = context.Process(target=killed.run_told, args=(str(store), seconds, f"{store}.txt"))
    process.start()
    while not Path(f"{store}.txt").exists():
        time.sleep(0.001)
    return process


def wait_for(process: Any, store: Path, pattern: str) -> None:
    """Wait until there is a file or folder of that name in a store."""
    while not list(store.glob(pattern)):
        assert process.is_alive(), Path(f"{store}.txt").read_text()
        time.sleep(0.005)


def contents(store: MaskStore) -> dict[str, Any]:
    """Everything of every entry, masks in 8-bit steps."""
    return {
        entry.key: (
            quantize(entry.masks.ssr_cells).tolist(),
            quantize(entry.masks.sdr_cells).tolist(),
            {**entry.probability, **entry.areas},
            (entry.target, entry.predicted, entry.label, entry.masks.size),
        )
        for entry in store.entries()
    }


def listed(store: MaskStore) -> list[str]:
    """Keys as the batches have them, so that one that is there twice comes twice."""
    return sorted(entry.key for batch in store.batches for entry in store.read(batch))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> MaskStore:
    place = str(tmp_path_factory.mktemp("undisturbed") / "masks.zarr")
    outcome = killed.run(place)
    assert (outcome.done, outcome.skipped, list(outcome.failed)) == (killed.COUNT - 1, 0, [killed.BROKEN])
    return MaskStore.open(place)


def same(store: MaskStore, other: MaskStore) -> bool:
    return (
        listed(store) == listed(other)
        and contents(store) == contents(other)
        and sorted(store.batches) == sorted(other.batches)
        and store.failures == other.failures
        and not list(verify(store))
    )


def _moments(count: int, seconds: float) -> Iterator[float]:
    chance = random.Random(0)
    return (chance.uniform(0, seconds) for _ in range(count))


@pytest.mark.killed
def test_a_run_killed_twenty_times_ends_as_if_it_had_not_been(tmp_path: Path, undisturbed: MaskStore) -> None:
    """Kills fall anywhere between the start and the end; after a run that is over a new one begins."""
    place, ends, counts = tmp_path / "0.zarr", 0, []
    for moment in _moments(20, 2.0):
        process = start(place, 0.003)
        time.sleep(moment)
        over = not process.is_alive()
        process.kill()
        process.join()
        if (place / "zarr.json").exists():
            left = MaskStore.open(place)
            assert not list(verify(left))
            there, whole = contents(left), contents(undisturbed)
            assert all(there[key] == whole[key] for key in there)
            counts.append(len(left))
        if over:
            assert same(MaskStore.open(place), undisturbed)
            ends += 1
            place = tmp_path / f"{ends}.zarr"
    killed.run(str(place))
    assert same(MaskStore.open(place), undisturbed)
    assert any(0 < count < killed.COUNT - 1 for count in counts), counts


def test_a_run_killed_once_goes_on(tmp_path: Path, undisturbed: MaskStore) -> None:
    place = tmp_path / "masks.zarr"
    process = start(place, 0.01)
    wait_for(process, place, "facts/*/zarr.json")
    process.kill()
    process.join()
    left = len(MaskStore.open(place))
    assert 0 < left < killed.COUNT - 1
    outcome = killed.run(str(place))
    assert outcome.skipped == left
    assert outcome.done == killed.COUNT - 1 - left
    assert same(MaskStore.open(place), undisturbed)


def test_ctrl_c_finishes_the_part_in_flight(tmp_path: Path, undisturbed: MaskStore) -> None:
    place = tmp_path / "masks.zarr"
    process = start(place, 0.01)
    wait_for(process, place, "facts/*/zarr.json")
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    told = Path(f"{place}.txt").read_text()
    assert "finishing what is in flight" in told
    assert "interrupted" in told
    store = MaskStore.open(place)
    assert 0 < len(store) < killed.COUNT - 1
    assert not list(verify(store))
    killed.run(str(place))
    assert same(MaskStore.open(place), undisturbed)


def test_a_run_that_is_over_does_nothing_but_try_what_failed(tmp_path: Path, undisturbed: MaskStore) -> None:
    files = {path: path.stat().st_mtime_ns for path in Path(undisturbed.place).rglob("*.json")}
    outcome = killed.run(undisturbed.place)
    assert (outcome.done, outcome.skipped) == (0, killed.COUNT - 1)
    now = {path: path.stat().st_mtime_ns for path in Path(undisturbed.place).rglob("*.json")}
    changed = {path for path in now if now[path] != files.get(path)}
    assert all(path.parent.parent.name == "failures" for path in changed)
    assert json.loads(next(iter(changed)).read_text())["attributes"]["facts"]["key"] == killed.BROKEN
