"""Every tutorial runs from top to bottom; small, so that all of them can be run at every change."""

from pathlib import Path

import pytest

run = pytest.importorskip("run")


@pytest.mark.notebooks
@pytest.mark.parametrize("path", run.notebooks(), ids=lambda path: path.stem)
def test_it_runs_in_its_smoke_size(path: Path) -> None:
    before = path.read_bytes()
    notebook = run.execute(path, smoke=True)
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert path.read_bytes() == before
