"""Every public name has an example and a place in the reference; the code of the pages runs."""

import doctest
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from fences import ROOT, run_blocks

import captum_scd
from captum_scd import infill

ROOMS = (
    "captum_scd", "captum_scd.infill", "captum_scd.metrics", "captum_scd.visualization",
    "captum_scd.comparison", "captum_scd.report", "captum_scd.classification", "captum_scd.regularization",
    "captum_scd.store", "captum_scd.dataset", "captum_scd.systematic", "captum_scd.demo",
    "captum_scd.models", "captum_scd.pairs",
)  # fmt: skip
PAGES = ROOT / "tutorials"
REFERENCE = "\n".join(page.read_text("utf-8") for page in (PAGES / "reference").glob("*.md"))


def _public(room: str) -> Iterator[tuple[str, object]]:
    """Classes and functions that a room shows."""
    module = import_module(room)
    for name in module.__all__:
        what = getattr(module, name)
        if inspect.isclass(what) or inspect.isfunction(what):
            yield f"{room}.{name}", what


EVERY = [name for room in ROOMS for name in _public(room)]


@pytest.mark.parametrize("what", [what for _, what in EVERY], ids=[name for name, _ in EVERY])
def test_every_public_name_has_an_example(what: object) -> None:
    (found,) = doctest.DocTestFinder(recurse=False, exclude_empty=False).find(what, "example", globs={})
    assert found.examples, "the docstring has no >>> example"


@pytest.mark.parametrize("what", [what for _, what in EVERY], ids=[name for name, _ in EVERY])
def test_every_public_method_has_a_docstring(what: object) -> None:
    methods = [] if inspect.isfunction(what) else vars(what).items()
    missing = [name for name, one in methods if callable(one) and name[0] != "_" and not inspect.getdoc(one)]
    assert missing == []


@pytest.mark.parametrize("room", ROOMS[1:])
def test_every_room_stands_in_the_reference(room: str) -> None:
    assert f".. automodule:: {room}\n" in REFERENCE


def test_what_the_front_door_shows_stands_in_the_reference() -> None:
    shown = [name for name in captum_scd.__all__ if not inspect.ismodule(getattr(captum_scd, name))]
    modules = [import_module(room) for room in ROOMS[1:]]
    missing = [
        name
        for name in shown
        if not any(name in module.__all__ for module in modules)
        and f".. autoclass:: {name}\n" not in REFERENCE
        and name != "__version__"
    ]
    assert missing == []


@pytest.mark.parametrize("table", ["captum_scd.infill.INFILLS", "captum_scd.objective.SCORES"])
def test_the_tables_of_strategies_are_named_where_these_are_chosen(table: str) -> None:
    assert f"`{table}`" in (captum_scd.FIDOAttribution.__doc__ or "")
    module, name = table.rsplit(".", 1)
    assert getattr(import_module(module), name)


def test_every_infill_with_a_name_is_public() -> None:
    assert [fill.__name__ for fill in infill.INFILLS.values() if fill.__name__ not in infill.__all__] == []


@pytest.mark.parametrize("page", ["index", "coming_from", "extending"])
def test_the_code_of_a_page_runs(page: str) -> None:
    assert run_blocks(PAGES / f"{page}.md")


def test_the_files_and_tables_that_extending_names_are_there() -> None:
    words = re.findall(
        r"`([^`]+)`", (PAGES / "extending.md").read_text("utf-8").partition("All that is public")[0]
    )
    for file in (word for word in words if "/" in word):
        assert (ROOT / file).exists(), file
    code = "".join(path.read_text("utf-8") for path in (ROOT / "captum_scd").rglob("*.py"))
    for table in (word for word in words if word.isupper()):
        assert re.search(rf"^{table}\b.*= ", code, flags=re.MULTILINE), table


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted(PAGES.rglob("*.md"))], ids=lambda page: page.name
)
def test_no_placeholder_is_left(page: Path) -> None:
    assert "@@" not in page.read_text("utf-8")
