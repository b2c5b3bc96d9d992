"""Tutorials have one form, and are committed as they came out: outputs, no errors, nobody's paths."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
run = pytest.importorskip("run")

NOTEBOOKS = run.notebooks()
EACH_NOTEBOOK = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
PATHS = re.compile(
    r"(?<![\w.])/(?:home|root|tmp|usr|opt|work|mnt|Users|var|private)/|[A-Z]:\\\\| at 0x[0-9a-f]"
)
MOST_BYTES = 1_500_000


def _cells(path: Path, kind: str) -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def _outputs(path: Path) -> list[Any]:
    return [output for cell in _cells(path, "code") for output in cell.outputs]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@EACH_NOTEBOOK
def test_it_is_a_valid_notebook(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) >= (4, 5)  # cells have ids
    assert notebook.metadata == run.KEPT
    assert path.stat().st_size <= MOST_BYTES


@EACH_NOTEBOOK
def test_it_opens_with_its_title_and_what_is_to_be_learned(path: Path) -> None:
    first, *rest = _cells(path, "markdown")
    assert re.match(r"# \S", first.source)
    assert "**What you will learn**" in first.source
    sections = [m[1] for cell in rest for m in re.finditer(r"^## (\d+)\. \S", cell.source, re.MULTILINE)]
    assert len(sections) >= 3
    assert sections == [str(number) for number in range(1, len(sections) + 1)]


@EACH_NOTEBOOK
def test_it_says_how_to_swap_in_a_model_of_torchvision(path: Path) -> None:
    assert any("torchvision" in cell.source for cell in _cells(path, "code"))


@EACH_NOTEBOOK
def test_it_was_run_from_top_to_bottom(path: Path) -> None:
    cells = _cells(path, "code")
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    pictures = [output for output in _outputs(path) if "image/png" in output.get("data", {})]
    assert len(pictures) >= 2


@EACH_NOTEBOOK
def test_no_cell_failed_or_warned(path: Path) -> None:
    assert not [output for output in _outputs(path) if output.output_type == "error"]
    assert not [output.text for output in _outputs(path) if output.get("name") == "stderr"]


@EACH_NOTEBOOK
def test_nothing_tells_where_it_was_run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        words = [cell.source]
        for output in cell.get("outputs", []):
            words.append(output.get("text", ""))
            data = output.get("data", {})
            words += [json.dumps(value) for kind, value in data.items() if not kind.startswith("image/")]
        assert not PATHS.search("\n".join(words)), cell.id


@EACH_NOTEBOOK
def test_its_smoke_size_changes_names_of_its_parameters_only(path: Path) -> None:
    (cell,) = [cell for cell in _cells(path, "code") if "parameters" in cell.metadata.get("tags", [])]
    tree = ast.parse(cell.source)
    names = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
    assert cell.metadata["smoke"]
    assert set(cell.metadata["smoke"]) <= names


def test_the_index_lists_every_notebook_and_no_other() -> None:
    index = (run.FOLDER / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d\d\w+\.ipynb)\)", index) == [path.name for path in NOTEBOOKS]
