"""The command as a process of its own."""

import subprocess
import sys


def test_python_m_runs_it_and_ends_with_its_code():
    done = subprocess.run([sys.executable, "-m", "captum_scd", "explain"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("captum-scd: error: ")
    assert done.stderr.count("\n") == 1
