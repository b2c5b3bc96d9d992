"""Imports go one way, and what is heavy or private has one door."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import captum_scd

ROOT = Path(captum_scd.__file__).parent
ORDER = [
    "_version",
    "_errors",
    "_writing",
    "_strategies",
    "tables",
    "_warnings",
    "_captum",
    "outputs",
    "network",
    "forward",
    "models",
    "passes",
    "provenance",
    "smoothing",
    "infill",
    "grid",
    "filling",
    "sampling",
    "objective",
    "composites",
    "look_alikes",
    "scoring",
    "request",
    "optimization",
    "learning",
    "trials",
    "calibration",
    "selection",
    "trajectory",
    "verdict",
    "notebook",
    "schema",
    "masks",
    "settings",
    "explanation",
    "parts",
    "attribution",
    "pairs",
    "metrics",
    "classification",
    "regularization",
    "visualization",
    "comparison",
    "systematic",
    "photos",
    "store",
    "runs",
    "dataset",
    "report",
    "pages",
    "demo",
    "cli",
    "__main__",
]
"""A file or folder imports only from those before it (and, in a folder, from its own)."""

FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def _room(module: str) -> str:
    """captum_scd.metrics.faithfulness -> metrics."""
    return module.split(".")[1]


class _WithoutTypeImports(ast.NodeTransformer):
    """Drops what stands under `if TYPE_CHECKING`, which is never run."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if for_types else self.generic_visit(node)


@cache
def _imports(file: Path) -> tuple[str, ...]:
    """Full names of what a file imports, wherever in the file; `from a import b` gives a.b."""
    return tuple(_imported(file))


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(_WithoutTypeImports().visit(ast.parse((ROOT / file).read_text()))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _own(file: Path) -> str:
    return file.with_suffix("").parts[0]


def _upward(file: Path) -> set[str]:
    """Rooms that a file imports from, and that do not come before its own."""
    rooms = {_room(name) for name in _imports(file) if name.startswith("captum_scd.")}
    own = _own(file)
    return {room for room in rooms - {own, "__version__"} if ORDER.index(room) > ORDER.index(own)}


def test_every_file_has_a_place_in_the_order() -> None:
    assert [file for file in FILES if _own(file) not in ORDER] == []
    assert len(FILES) > 100


def test_imports_go_down_the_order_only() -> None:
    assert {str(file): up for file in FILES if (up := _upward(file))} == {}


def test_the_front_door_is_small_and_opens() -> None:
    assert len(captum_scd.__all__) <= 12
    assert all(hasattr(captum_scd, name) for name in captum_scd.__all__)


def test_only_one_file_touches_captums_private_modules() -> None:
    private = {
        file for file in FILES for name in _imports(file) if name.startswith("captum.") and "._" in name
    }
    assert private == {Path("_captum.py")}


def test_only_visualization_imports_matplotlib() -> None:
    drawing = {_own(file) for file in FILES for name in _imports(file) if name.split(".")[0] == "matplotlib"}
    assert drawing == {"visualization"}


def test_importing_the_package_adds_nothing_of_matplotlib_to_what_captum_imports() -> None:
    code = """
import sys, captum.attr
before = set(sys.modules)
from captum_scd import *
print(sorted(name for name in set(sys.modules) - before if name.split(".")[0] == "matplotlib"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    assert done.stdout.strip() == "[]"


def test_importing_the_package_needs_no_optional_library() -> None:
    libraries = ["zarr", "fsspec", "ray", "sklearn", "timm", "transformers", "torchvision", "pillow_heif"]
    names = [".".join(("captum_scd", *file.with_suffix("").parts)) for file in FILES]
    modules = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    code = (
        f"import importlib, sys; sys.modules.update(dict.fromkeys({libraries})); "
        f"[importlib.import_module(name) for name in {modules}]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT.parent)


def test_no_file_is_long() -> None:
    assert [file for file in FILES if len((ROOT / file).read_text().splitlines()) > 400] == []


def test_every_file_says_what_it_is_for() -> None:
    assert [file for file in FILES if not ast.get_docstring(ast.parse((ROOT / file).read_text()))] == []
