"""Files that are there only once they are whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from captum_scd._writing import STALE, claim, replacing, sweep

LONGEST = 255
"""Bytes of a file name on most disks."""


def test_what_is_broken_off_leaves_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("before")

    def broken_off() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert [file.read_text() for file in tmp_path.iterdir()] == ["before"]


@pytest.mark.parametrize("name", ["\u9ce5" * 83 + ".json", "caf\udce9.json", "a\nb .json. "])
def test_whatever_the_disk_takes_as_a_name_can_be_written(tmp_path: Path, name: str) -> None:
    assert len(os.fsencode(name)) <= LONGEST
    with replacing(tmp_path / name) as partial:
        partial.write_text("whole")
    assert os.listdir(tmp_path) == [name]


def left(folder: Path, process: int, age: float, mark: str = 16 * "a") -> Path:
    path = folder / f".{mark}.{process}.partial"
    path.touch()
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))
    return path


def test_only_what_dead_processes_left_long_ago_is_swept(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    swept = [left(tmp_path, gone.pid, STALE + 60), left(tmp_path, gone.pid, STALE + 60, "a b.json")]
    kept = [
        left(tmp_path, gone.pid, 0, 16 * "b"),
        left(tmp_path, os.getpid(), 10 * STALE),
        left(tmp_path, gone.pid, 10 * STALE, "somebody else's"),
    ]
    sweep(tmp_path)
    assert not any(path.exists() for path in swept)
    assert all(path.exists() for path in kept)
    sweep(tmp_path / "nowhere")


def test_a_file_is_claimed_once(tmp_path: Path) -> None:
    claim(tmp_path / "top" / "name", b"first")
    with pytest.raises(FileExistsError):
        claim(tmp_path / "top" / "name", b"second")
    assert [file.read_bytes() for file in (tmp_path / "top").iterdir()] == [b"first"]


def test_what_a_killed_claim_left_is_swept_by_the_next(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
os.link = lambda *_: os._exit(1)
from captum_scd._writing import claim
claim(Path(sys.argv[1]), b"half")
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, tmp_path / "name"], env=environment, check=False)
    (left_over,) = tmp_path.iterdir()
    os.utime(left_over, (0, 0))
    claim(tmp_path / "name", b"whole")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"whole"]
