"""Every public name has an example and a place in the reference; the code of the pages runs."""

import doctest
import inspect
import re
from collections.abc import Iterator
from importlib import import_module

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


def test_every_public_name_has_an_example() -> None:
    finder = doctest.DocTestFinder(recurse=False, exclude_empty=False)
    found = {name: finder.find(what, "example", globs={}) for name, what in EVERY}
    assert len(found) > 100
    assert [name for name, (one,) in found.items() if not one.examples] == []


def test_every_public_method_has_a_docstring() -> None:
    methods = {
        f"{name}.{method}": one
        for name, what in EVERY
        if inspect.isclass(what)
        for method, one in vars(what).items()
        if callable(one) and method[0] != "_"
    }
    assert len(methods) > 30
    assert [name for name, one in methods.items() if not inspect.getdoc(one)] == []


def test_every_room_stands_in_the_reference() -> None:
    assert [room for room in ROOMS[1:] if f".. automodule:: {room}\n" not in REFERENCE] == []


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


def test_no_placeholder_is_left() -> None:
    pages = [ROOT / "README.md", *PAGES.rglob("*.md")]
    assert [page.name for page in pages if "@@" in page.read_text("utf-8")] == []


@pytest.mark.parametrize(
    "names", ["infill.INFILLS", "objective.SCORES", "comparison.METHODS", "comparison.MEASURES"]
)
def test_the_reference_says_of_each_strategy_what_is_its_own(names: str, monkeypatch) -> None:
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(PAGES)
    module, _, name = names.rpartition(".")
    registry = getattr(import_module(f"captum_scd.{module}"), name)
    told = [import_module("directives").said(one) for one in registry.values()]
    assert len(set(told)) == len(told) > 1
