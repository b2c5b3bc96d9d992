"""What the README shows runs as it stands, and what it names exists."""

import re
from pathlib import Path

import pytest
from fences import ROOT, blocks, run_blocks

from captum_scd import cli

PAGE = ROOT / "README.md"
README = PAGE.read_text(encoding="utf-8")


def test_the_python_blocks_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(PAGE)
    assert (tmp_path / "beetles.npz").is_file()
    assert "torch.Size([1, 3, 128, 128])" in capsys.readouterr().out


def test_the_commands_are_understood() -> None:
    lines = [line.split() for block in blocks(PAGE, "") for line in block.splitlines()]
    commands = [words[1:] for words in lines if words[:1] == ["captum-scd"]]
    assert {words[0] for words in commands} == {
        "explain",
        "compare",
        "classify",
        "verify",
        "report",
        "errors",
        "demo",
    }
    for words in commands:
        cli._parser().parse_args(words)


def test_make_targets_and_links_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:`|^)make ([a-z]+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_files_of_the_table_are_there() -> None:
    table = [line.split("|")[1] for line in README.splitlines() if line.startswith("| `")]
    for name in re.findall(r"`([^`]+)`", "".join(table)):
        assert (ROOT / "captum_scd" / name).exists(), name
