"""Two processes that start on one store at the same moment."""

import os
import subprocess
import sys
from pathlib import Path

import two_stores

from captum_scd.store import MaskStore

COUNT = 8


def test_of_two_processes_at_once_one_makes_each_store(tmp_path: Path) -> None:
    command = [sys.executable, two_stores.__file__]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    both = [
        subprocess.Popen(
            [*command, str(rank), tmp_path, str(COUNT)], stdout=subprocess.PIPE, text=True, env=environment
        )
        for rank in (0, 1)
    ]
    told = [process.communicate(timeout=120)[0].split() for process in both]
    assert all({*pair} == {"made", "refused"} for pair in zip(*told, strict=True)), told
    seeds = [MaskStore.open(tmp_path / f"{number}.zarr").identity for number in range(COUNT)]
    assert seeds == [two_stores.identity(one.index("made")) for one in zip(*told, strict=True)]
