"""The command that runs notebooks, and their plain-text form."""

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

nbformat = pytest.importorskip("nbformat")
run = pytest.importorskip("run")
text = pytest.importorskip("text")

PLAIN = """\
# %% [markdown] {"id": "title"}
# # A title
#
# Words.

# %% {"id": "size", "smoke": {"N": 1}, "tags": ["parameters"]}
N = 4

# %% {"id": "body"}
def double(n):
    return 2 * n

double(N)
"""


def test_text_and_notebook_hold_the_same() -> None:
    notebook = text.from_text(PLAIN)
    nbformat.validate(notebook)
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code"]
    assert notebook.cells[0].source == "# A title\n\nWords."
    assert text.to_text(notebook) == PLAIN


def test_cells_without_an_id_get_one_that_is_free() -> None:
    notebook = text.from_text('# %%\n1\n\n# %% {"id": "cell-01"}\n2\n\n# %%\n3\n')
    assert [cell.id for cell in notebook.cells] == ["cell-02", "cell-01", "cell-03"]


def test_outputs_stay_with_cells_that_stay() -> None:
    old = text.from_text(PLAIN)
    output = nbformat.v4.new_output("execute_result", {"text/plain": "8"}, execution_count=2)
    for cell in old.cells[1:]:
        cell.outputs, cell.execution_count = [output], 2
    new = text.from_text(PLAIN.replace("N = 4", "N = 5"), old)
    assert [cell.outputs for cell in new.cells[1:]] == [[], [output]]


def test_text_must_start_with_a_cell() -> None:
    with pytest.raises(ValueError, match="start with a line '# %%', but got 'import torch'"):
        text.from_text("import torch\n")


def test_a_file_is_written_as_the_other_kind_beside_it(tmp_path: Path) -> None:
    plain = tmp_path / "one.py"
    plain.write_text(PLAIN)
    text.main(str(plain))
    plain.unlink()
    text.main(str(tmp_path / "one.ipynb"))
    assert plain.read_text() == PLAIN


def test_the_smoke_size_comes_right_after_the_parameters() -> None:
    notebook = text.from_text(PLAIN)
    run.shrink(notebook)
    assert [cell.source for cell in notebook.cells[1:3]] == ["N = 4", "N = 1"]


def test_notebooks_are_found_by_the_start_of_their_name() -> None:
    first = run.notebooks()[0]
    assert run.notebooks([first.name[:2]]) == [first]
    assert run.notebooks([str(first)]) == [first]
    with pytest.raises(SystemExit, match="but got nonesuch"):
        run.notebooks(["nonesuch"])


def test_pictures_become_small_and_stay_what_they_are() -> None:
    image = pytest.importorskip("PIL.Image")
    x, y = np.meshgrid(np.arange(256), np.arange(256))
    grain = np.random.default_rng(0).integers(0, 8, (256, 256, 1))
    before = (np.stack([x, y, (x + y) // 2], axis=-1) * 0.9 + grain).astype(np.uint8)
    large = BytesIO()
    image.fromarray(before).save(large, format="png")
    picture = run.small(base64.b64encode(large.getvalue()).decode())
    after = np.asarray(image.open(BytesIO(base64.b64decode(picture))).convert("RGB"))
    assert np.abs(after.astype(int) - before).mean() < 8
    assert len(picture) < len(large.getvalue())


def test_what_a_cell_prints_in_pieces_becomes_one() -> None:
    notebook = text.from_text("# %%\nprint()\n")
    pieces = [("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")]
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name=n, text=t) for n, t in pieces]
    run.tidy(notebook)
    assert [output.text for output in notebook.cells[0].outputs] == ["ab", "c", "d"]


@pytest.mark.notebooks
def test_a_run_gives_outputs_and_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "one.ipynb"
    nbformat.write(text.from_text(PLAIN), path)
    before = path.read_bytes()
    results = [run.execute(path, smoke).cells[-1].outputs[0].data["text/plain"] for smoke in (False, True)]
    assert results == ["8", "2"]
    assert path.read_bytes() == before
