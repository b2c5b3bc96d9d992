"""The benchmark of the store runs, and counts what is there."""

import json
from pathlib import Path

import scale


def test_a_smoke_run_fills_the_table(tmp_path: Path, capsys) -> None:
    out = tmp_path / "scale.json"
    few = ["--images", "2", "--iterations", "1", "--turns", "1", "--entries", "64", "--threads", "1"]
    assert scale.main([*few, "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert result["run"]["turns"][0]["bare"]["cpu"] > 0
    assert "bytes per image" in capsys.readouterr().out


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "deep" / "b").write_bytes(b"x" * 4097)
    assert scale.size_of(tmp_path) == {"bytes": 4107, "bytes_in_blocks": 3 * 4096, "objects": 2}
