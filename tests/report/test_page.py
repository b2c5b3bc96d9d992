"""One file: whole, closed to the outside, and not to be broken by what is in it."""

import base64
import hashlib
import re
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import AREA, NASTY, SURE, Page, entry, page

from captum_scd import __version__
from captum_scd.report import Entry, Failure, Report, is_page, render
from captum_scd.report.page import HEAD, MARK

VOID = {"meta", "link", "input", "br", "wbr"}


def test_the_page_is_one_whole_document():
    html = page(entry("a"))
    assert html.startswith("<!doctype html>")
    assert html.isascii()
    opened = [tag for tag, _ in Page(html).tags if tag not in VOID]
    closed = re.findall(r"</([a-z0-9]+)>", html)
    assert sorted(opened) == sorted(closed)
    ids = [a["id"] for _, a in Page(html).tags if "id" in a]
    assert len(set(ids)) == len(ids)


def test_nothing_is_fetched():
    html = page(entry("a"))
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert "url(" not in html
    links = [a[name] for _, a in Page(html).tags for name in ("src", "href") if name in a]
    assert links == ["data:,"]
    assert "default-src 'none'" in Page(html).policy


def test_the_policy_names_the_only_script_and_style():
    parsed = Page(page(entry("a")))
    scripts = [text for a, text in parsed.all("script") if "type" not in a]
    styles = [text for _, text in parsed.all("style")]
    for kind, texts in (("script-src", scripts), ("style-src", styles)):
        assert len(texts) == 1
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in parsed.policy
    assert "unsafe" not in parsed.policy


def test_what_went_in_stands_in_the_data():
    doubts, facts = ["too large"], {"file": "x.jpg"}
    parsed = Page(page(entry("a", 0.2, 0.9, doubts=doubts, facts=facts), notes=["look"], cut=0.3))
    (heading,), (told,) = parsed.blocks("report"), parsed.blocks("facts")
    assert [column["title"] for column in heading["columns"]] == ["probability", "left area"]
    assert heading["columns"][1]["better"] == "lower"
    assert (heading["notes"], heading["cut"]) == (["look"], 0.3)
    assert told == {
        "name": "a", "label": "grey", "numbers": [0.9, 0.2], "maps": ["left", "top", "both"],
        "infill": True, "facts": facts, "doubts": doubts,
    }  # fmt: skip
    assert len(parsed.blocks("pixels")) == 1


def test_settings_are_words():
    settings = {"Learning": {"seed": 0, "infill": "blur", "cells": None, "mean": [0.5, 0.25]}}
    (heading,) = Page(page(settings=settings)).blocks("report")
    assert heading["settings"] == {
        "Learning": {"seed": "0", "infill": "blur", "cells": "-", "mean": "[0.5, 0.25]"}
    }


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_none_are_missing(value):
    assert Page(page(entry("a", value))).blocks("facts")[0]["numbers"] == [0.5, None]


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_no_name_breaks_out(name):
    plain, nasty = page(entry("a", facts={"b": "c"})), page(entry(name, label=name, facts={name: name}))
    assert [tag for tag, _ in Page(plain).tags] == [tag for tag, _ in Page(nasty).tags]
    (told,) = Page(nasty).blocks("facts")
    assert (told["name"], told["label"], told["facts"]) == (name, name, {name: name})
    assert nasty.isascii()
    for _, text in Page(nasty).all("script")[:-1]:
        assert not set(text) & set("<>&")


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_no_heading_failure_or_setting_breaks_out(name):
    report = Report(name, [], about=name, guide={name: name}, notes=[name], settings={name: {name: name}})
    parsed = Page("".join(render(report, [Failure(name, name)])))
    assert parsed.blocks("failure") == [{"name": name, "reason": name}]
    assert parsed.blocks("report")[0]["notes"] == [name]
    assert not [a for tag, a in parsed.tags if tag == "img" or "onerror" in a]
    assert len(parsed.all("h1")) == 1


def test_dollars_and_marks_in_a_title_stay():
    title = "$style ${script} <!-- data -->"
    parsed = Page("".join(render(Report(title, []), [])))
    assert parsed.all("h1")[0][1] == title
    assert len(parsed.blocks("report")) == 1


@pytest.mark.parametrize("number", [0, 1, 1000])
def test_any_number_of_images(number):
    parsed = Page(page(*[entry(str(k), k / 1000) for k in range(number)], Failure("x", "broken")))
    assert [told["name"] for told in parsed.blocks("facts")] == [str(k) for k in range(number)]
    assert len(parsed.blocks("pixels")) == number
    assert len(parsed.blocks("failure")) == 1


def test_no_more_than_one_image_is_held():
    living: weakref.WeakSet[Entry] = weakref.WeakSet()

    def images() -> Iterator[Entry]:
        for k in range(5):
            made = entry(str(k))
            living.add(made)
            yield made
            del made

    most = 0
    for _ in render(Report("t", [SURE, AREA]), images()):
        most = max(most, len(living))
    assert most == 1


def test_names_differ_and_numbers_have_columns():
    with pytest.raises(ValueError, match="different names, but two are called 'a'"):
        page(entry("a"), entry("a"))
    with pytest.raises(ValueError, match=r"some for \['left area', 'probability'\]"):
        "".join(render(Report("t", []), [entry("a")]))


def test_a_page_is_known_by_its_head(tmp_path: Path):
    ours, other = tmp_path / "ours.html", tmp_path / "other.html"
    ours.write_text(page())
    other.write_text("<!doctype html><title>my garden</title>")
    assert is_page(ours)
    assert not is_page(other)
    assert not is_page(tmp_path / "nowhere.html")
    assert not is_page(tmp_path)
    assert page().index(MARK) + len(MARK) < HEAD
    assert f"captum_scd {__version__}" in page()
