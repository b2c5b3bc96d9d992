"""Execute notebooks top to bottom: `python tutorials/run.py [NAMES] [--smoke]`.

At full size outputs are written into the notebooks. With `--smoke` nothing is written: after the cell tagged
`parameters`, its names get the values that the cell's metadata hold under `smoke`, so that a notebook shows
its readers the real numbers only, and still runs in seconds where it only has to be shown to work.
"""

import argparse
import base64
import os
import tempfile
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

FOLDER = Path(__file__).resolve().parent

SECONDS = {"full": 3600, "smoke": 600}
"""Most that a cell may take, on a machine that is busy with other things."""

KEPT = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
"""Metadata of a notebook, the same wherever it was run."""


def notebooks(names: Sequence[str] = ()) -> list[Path]:
    """Find notebooks whose file names start with one of the names; all of them for no names.

    Raises:
        SystemExit: for a name that fits none.
    """
    every = sorted(FOLDER.glob("*.ipynb"))
    wanted = [Path(name).name for name in names]
    missing = [name for name in wanted if not any(path.name.startswith(name) for path in every)]
    if missing:
        raise SystemExit(f"Expected the start of a notebook's name, but got {', '.join(missing)}.")
    return [path for path in every if not wanted or path.name.startswith(tuple(wanted))]


def execute(path: Path, smoke: bool = False) -> NotebookNode:
    """Run a notebook in a kernel of its own, in an empty folder, and return it with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    if smoke:
        shrink(notebook)
    limit = SECONDS["smoke" if smoke else "full"]
    with tempfile.TemporaryDirectory() as away:
        client = NotebookClient(
            notebook, timeout=limit, kernel_name="python3", record_timing=False,
            extra_arguments=["--log-level=ERROR"], resources={"metadata": {"path": away}},
        )  # fmt: skip
        client.execute(env=_environment(away))
    notebook.metadata = nbformat.from_dict(KEPT)
    return notebook


def tidy(notebook: NotebookNode) -> None:
    """Make pictures small, and join what a cell printed in pieces, so that two runs give the same file."""
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.outputs = _joined(cell.outputs)
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = small(output.data["image/png"])


def small(picture: str) -> str:
    """Give a PNG, in base64, a palette of its own 256 colours: a quarter of the bytes, hardly to be seen."""
    drawn = Image.open(BytesIO(base64.b64decode(picture))).convert("RGB")
    written = BytesIO()
    settled = drawn.width * drawn.height // 50  # pixels that may still change their colour
    palette = drawn.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=settled)
    palette.save(written, format="png", optimize=True)
    return base64.b64encode(written.getvalue()).decode("ascii")


def shrink(notebook: NotebookNode) -> None:
    """Add a cell after the one tagged `parameters` that sets its names to their smoke values."""
    for place, cell in enumerate(notebook.cells):
        if "parameters" in cell.metadata.get("tags", []):
            values = cell.metadata.get("smoke", {})
            lines = [f"{name} = {value!r}" for name, value in values.items()]
            notebook.cells.insert(place + 1, nbformat.v4.new_code_cell("\n".join(lines)))
            return


def main(arguments: Sequence[str] | None = None) -> None:
    """Execute the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(prog="python tutorials/run.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAMES", help="starts of file names, such as 01; all")
    parser.add_argument("--smoke", action="store_true", help="small, and write nothing")
    options = parser.parse_args(arguments)
    for path in notebooks(options.names):
        start = time.perf_counter()
        notebook = execute(path, options.smoke)
        if not options.smoke:
            tidy(notebook)
            nbformat.write(notebook, path)
        print(f"{path.name}: {time.perf_counter() - start:.0f} s", flush=True)


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    joined: list[NotebookNode] = []
    for output in outputs:
        name = output.get("name")  # of a stream; other outputs have none
        if name and joined and joined[-1].get("name") == name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _environment(away: str) -> dict[str, str]:
    """What a kernel starts with: this checkout's package before any installed one, and nobody's settings."""
    own = {
        "IPYTHONDIR": away,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(FOLDER.parent), os.environ.get("PYTHONPATH")))),
        "PYTHONWARNINGS": "ignore:IProgress not found",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return {name: value for name, value in os.environ.items() if name != "MPLBACKEND"} | own


if __name__ == "__main__":
    main()
