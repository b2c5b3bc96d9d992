"""The command as a process of its own."""

import subprocess
import sys

import pytest
from fences import ROOT

from captum_scd.classification import COMBINATIONS, VIEWS, BoxRule
from captum_scd.cli import COMMANDS, main
from captum_scd.cli.commands.names import defaults, names
from captum_scd.cli.networks.loading import HUBS
from captum_scd.comparison import DEFAULT_MEASURES, DEFAULT_METHODS, MEASURES, METHODS
from captum_scd.infill import INFILLS
from captum_scd.objective import SCORES

TABLES = [
    ("infill.py", "INFILLS", INFILLS),
    ("objective.py", "SCORES", SCORES),
    ("classification/views.py", "VIEWS", VIEWS),
    ("classification/combination.py", "COMBINATIONS", COMBINATIONS),
    ("comparison/methods.py", "METHODS", METHODS),
    ("comparison/methods.py", "DEFAULT_METHODS", DEFAULT_METHODS),
    ("comparison/measures.py", "MEASURES", MEASURES),
    ("comparison/measures.py", "DEFAULT_MEASURES", DEFAULT_MEASURES),
    ("cli/networks/loading.py", "HUBS", HUBS),
]


def test_python_m_runs_it_and_ends_with_its_code():
    done = subprocess.run([sys.executable, "-m", "captum_scd", "explain"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("captum-scd: error: ")
    assert done.stderr.count("\n") == 1


EXPLAIN = ["explain", ".", "--model", "timm:resnet18"]
WRONG = [
    ["expalin"],
    [*EXPLAIN, "--out", "x", "--size", "0"],
    [*EXPLAIN, "--out", "x", "--infill", "paint"],
    [*EXPLAIN, "--out", "x", "--score", "guess"],
    [*EXPLAIN, "--out", "x", "--labels"],
    [*EXPLAIN, "--store", "x", "--workers", "2"],
    [*EXPLAIN, "--out", "x", "--reference", "b.png", "--target", "1"],
    ["explain", "missing.png", "--model", "timm:resnet18", "--out", "x"],
    ["explain", "missing.png", "--model", "timm:resnet18", "--store", "x"],
    ["explain", ".", "--model", "missing.py:load", "--out", "x"],
    ["explain", ".", "--model", "resnet", "--out", "x"],
    ["compare", ".", "--model", "timm:resnet18", "--out", "x", "--methods", "guess"],
    ["compare", ".", "--model", "timm:resnet18", "--out", "x", "--methods", "random", "--fast"],
    ["classify", ".", "--model", "timm:resnet18", "--out", "x.csv", "--view", "guess"],
    ["classify", "tests/support", "--model", "timm:resnet18", "--out", "x.csv"],
    ["report", "missing"],
    ["errors", "missing"],
    ["verify", "missing"],
    ["demo", "--images", "0"],
]
HELP = [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)]


@pytest.mark.parametrize("words", [*HELP, *WRONG], ids=" ".join)
def test_what_needs_no_network_imports_none_of_what_is_heavy(words):
    code = f"""
import sys
from captum_scd.cli import main
try:
    main({words!r})
finally:
    heavy = {{"torch", "captum", "matplotlib", "numpy"}} & set(sys.modules)
    print(sorted(heavy), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    *said, heavy = done.stderr.splitlines()
    assert heavy == "[]"
    assert len(said) == (words in WRONG)


@pytest.mark.parametrize(("file", "table", "found"), TABLES, ids=[table for _, table, _ in TABLES])
def test_help_texts_know_the_names_that_tables_have(file, table, found):
    assert names(file, table) == tuple(found)


def test_help_texts_know_the_defaults_of_boxes():
    assert BoxRule(**defaults("classification/boxes.py", "BoxRule")) == BoxRule()


def test_the_help_names_every_command_and_what_it_does(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert [name for name, words in COMMANDS.items() if f"{name} " not in said or words not in said] == []


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_command_knows_its_options(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"usage: captum-scd {command} [-h] " in capsys.readouterr().out
