"""The command as a process of its own."""

import subprocess
import sys

import pytest

from captum_scd.cli import COMMANDS, main


def test_python_m_runs_it_and_ends_with_its_code():
    done = subprocess.run([sys.executable, "-m", "captum_scd", "explain"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("captum-scd: error: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["expalin"]], ids=" ".join)
def test_what_needs_no_network_imports_none_of_what_is_heavy(words):
    code = f"""
import sys
from captum_scd.cli import main
try:
    main({words!r})
finally:
    heavy = {{"torch", "captum", "matplotlib", "numpy", "PIL"}} & set(sys.modules)
    print(sorted(heavy), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_help_names_every_command_and_what_it_does(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert [
        name for name, (_, words) in COMMANDS.items() if f"{name} " not in said or words not in said
    ] == []


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_command_knows_its_options(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"usage: captum-scd {command} [-h] " in capsys.readouterr().out
