"""Notebooks as plain text, to write and review them: `python tutorials/text.py FILE`.

An `.ipynb` is written as `.py` beside it, a `.py` as `.ipynb`, which keeps the outputs of cells that stay as
they are. The text has a line `# %%` before each code cell and `# %% [markdown]` before each other, the
"percent format" that editors know, followed by the cell's id, tags and the like as JSON. Only the `.ipynb`
are kept in the repository.
"""

import json
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

MARK = re.compile(r"^# %%( \[markdown\])?(?: (\{.*\}))?$")
"""The line before a cell."""


def to_text(notebook: NotebookNode) -> str:
    """Write the cells one below the other, without outputs."""
    return "\n".join(_cell_text(cell) for cell in notebook.cells)


def from_text(text: str, old: NotebookNode | None = None) -> NotebookNode:
    """Make a notebook of its text, with the outputs of `old` where a cell has the same id and source.

    A cell without an id gets the next free number as one.

    Raises:
        ValueError: for text that does not start with the mark of a cell.
    """
    cells: list[NotebookNode] = []
    for line in text.splitlines():
        mark = MARK.match(line)
        if mark:
            cells.append(_new_cell(bool(mark[1]), json.loads(mark[2] or "{}")))
        elif cells:
            cells[-1].source += line + "\n"
        else:
            raise ValueError(f"Expected the text to start with a line '# %%', but got {line!r}.")
    for cell in cells:
        cell.source = _plain(cell).strip("\n")
    _number(cells)
    _keep_outputs(cells, {} if old is None else {cell.id: cell for cell in old.cells})
    return nbformat.v4.new_notebook(cells=cells, metadata={} if old is None else old.metadata)


def main(name: str) -> None:
    """Convert one file into the other form, beside it."""
    path = Path(name)
    notebook = path.with_suffix(".ipynb")
    old = nbformat.read(notebook, as_version=4) if notebook.exists() else None
    if path.suffix == ".ipynb":
        path.with_suffix(".py").write_text(to_text(old), encoding="utf-8")
    else:
        nbformat.write(from_text(path.read_text(encoding="utf-8"), old), notebook)


def _cell_text(cell: NotebookNode) -> str:
    words = cell.cell_type == "markdown"
    metadata = json.dumps({"id": cell.id, **cell.metadata})
    lines = cell.source.splitlines()
    if words:
        lines = [f"# {line}".rstrip() for line in lines]
    return "\n".join([f"# %%{' [markdown]' if words else ''} {metadata}", *lines, ""])


def _new_cell(words: bool, metadata: dict[str, object]) -> NotebookNode:
    new = nbformat.v4.new_markdown_cell if words else nbformat.v4.new_code_cell
    cell = new(metadata={name: value for name, value in metadata.items() if name != "id"})
    cell.id = metadata.get("id", "")
    return cell


def _plain(cell: NotebookNode) -> str:
    """Take the comment signs of a text cell away."""
    if cell.cell_type == "code":
        return str(cell.source)
    return "\n".join(re.sub(r"^# ?", "", line) for line in cell.source.splitlines())


def _number(cells: list[NotebookNode]) -> None:
    taken = {cell.id for cell in cells}
    free = (name for name in (f"cell-{i:02}" for i in range(1, 1000)) if name not in taken)
    for cell in cells:
        cell.id = cell.id or next(free)


def _keep_outputs(cells: list[NotebookNode], old: dict[str, NotebookNode]) -> None:
    for cell in cells:
        before = old.get(cell.id)
        same = before is not None and before.source == cell.source
        if same and before.cell_type == cell.cell_type == "code":
            cell.outputs, cell.execution_count = before.outputs, before.execution_count


if __name__ == "__main__":
    main(*sys.argv[1:])
