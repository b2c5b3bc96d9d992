"""`errors`: what is planted in a store is named, in words, on the page and in the record."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from pages import Page, decoded
from stores import CARDED, CLASSES, IDENTITY, PER_CLASS, corner, middle, plant

from captum_scd.cli import main
from captum_scd.store import Entry, MaskStore

BODY = ["--boxes", "--regions"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos below the current folder are read."""
    monkeypatch.chdir(tmp_path)


def errors(*arguments: object) -> int:
    return main(["errors", *map(str, arguments)])


def record(out: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((out / "errors.json").read_text(encoding="utf-8"))
    return told


def named(out: Path) -> dict[str, list[str]]:
    return {
        group["class"]["name"]: [one["kind"] for one in group["evidence"]]
        for group in record(out)["groups"]
        if group["evidence"]
    }


def test_the_class_that_looks_into_the_corner_is_named(tmp_path, out, capsys):
    assert errors(plant(tmp_path), "--out", out) == 0
    assert named(out) == {CLASSES[CARDED]: ["unusual place"]}
    words = f"{PER_CLASS} of {PER_CLASS} masks lie mostly where those of other classes do not"
    assert f"look twice: crane: {words}" in capsys.readouterr().out
    page = Page((out / "errors.html").read_text(encoding="ascii"))
    (heading,), sheets = page.blocks("report"), page.blocks("facts")
    assert words in heading["notes"][0]
    assert (sheets[0]["name"], len(sheets[0]["doubts"])) == ("explained as crane", 1)
    assert heading["unit"] == "sheet"


@pytest.mark.parametrize("given", BODY)
def test_boxes_and_regions_say_the_same(given, tmp_path, out):
    place = plant(tmp_path)
    objects = tmp_path / ("boxes.csv" if given == "--boxes" else "regions")
    assert errors(place, "--out", out, given, objects) == 0
    assert named(out) == {"crane": ["off the object", "unusual place"]}
    shares = {group["class"]["name"]: group["on_object"] for group in record(out)["groups"]}
    assert shares["crane"] == 0
    assert min(shares[name] for name in CLASSES if name != "crane") > 0.8


@pytest.mark.parametrize("given", [None, *BODY])
def test_nothing_is_named_where_nothing_was_planted(given, tmp_path, out, capsys):
    place = plant(tmp_path, carded=False)
    objects = [] if given is None else [given, tmp_path / ("boxes.csv" if given == "--boxes" else "regions")]
    assert errors(place, "--out", out, *objects) == 0
    assert named(out) == {}
    assert "nothing stands out in" in capsys.readouterr().out


def test_right_and_wrong_images_have_sheets_and_lines_of_their_own(tmp_path, out, capsys):
    store = MaskStore.create(tmp_path / "m.zarr", {**IDENTITY, "preparation": None})
    chances = {"image": 0.5, "predicted": 0.5, "ssr": 0.5, "sdr": 0.1}
    entries = [
        Entry(f"{k}", corner() if k % 2 else middle(), k % 2, k % 2, chances, {"ssr": 0.25}, label=0)
        for k in range(6)
    ]
    store.append(entries, "first")
    assert errors(store.place, "--out", out) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["wren", "right", "3", "0.500", "25.0%", "-", "-", "wren", "3"] in lines
    assert ["wrong", "3", "0.500", "25.0%", "-", "-", "finch", "3"] in lines
    page = Page((out / "errors.html").read_text(encoding="ascii"))
    sheets = {told["name"]: place for place, told in enumerate(page.blocks("facts"))}
    assert list(sheets) == ["wren, right", "wren, wrong", "explained as wren", "explained as finch"]
    (joint,) = page.blocks("pixels")[sheets["wren, wrong"]]["maps"]
    mean = decoded(joint)[:32, :32]
    assert mean[:6, :6].min() > 0.8
    assert mean[12:, 12:].max() < 0.1


def test_what_is_not_known_is_said(tmp_path, out, capsys):
    place = plant(tmp_path, labels=False)
    shutil.rmtree(tmp_path / "photos" / "wren")
    (tmp_path / "boxes.csv").write_text("key,x0,y0,x1,y1\nfinch/1.png,6,6,18,18\n")
    assert errors(place, "--out", out, "--boxes", tmp_path / "boxes.csv") == 0
    told = capsys.readouterr().out
    assert "48 of 48 images have no label." in told
    assert "12 of 48 images could not be grouped" in told
    assert "47 of 48 images have no object." in told
    assert {group["error_rate"] for group in record(out)["groups"]} == {None}


def test_a_networks_own_features_may_group(tmp_path, out, monkeypatch):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\ndef load():\n"
        "    parts = nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)\n"
        "    return nn.Sequential(*parts)\n"
        "\n\ndef flat():\n    return nn.Sequential(nn.Flatten(), nn.Linear(24 * 24 * 3, 4))\n"
    )
    place = plant(tmp_path)
    with torch.random.fork_rng():
        assert errors(place, "--out", out, "--model", f"{tmp_path / 'net.py'}:load", "--device", "cpu") == 0
        assert named(out) == {"crane": ["unusual place"]}
        assert errors(place, "--out", out, "--model", f"{tmp_path / 'net.py'}:flat") == 2


def test_a_model_needs_a_store_that_knows_its_preparation(tmp_path, out, capsys):
    place = plant(tmp_path, preparation=None)
    assert errors(place, "--out", out, "--model", "x:y") == 2
    assert "knows how its images were normalised" in capsys.readouterr().err


def test_the_same_is_said_twice(tmp_path, out):
    place = plant(tmp_path)
    errors(place, "--out", out)
    first = (out / "errors.json").read_bytes()
    errors(place, "--out", out)
    assert (out / "errors.json").read_bytes() == first


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("key,x0\na,1\n", "no column 'y0'"),
        ("key,x0,y0,x1,y1\na,5,0,5,9\n", "x0 < x1"),
        ("key,x0,y0,x1,y1\na,b,0,5,9\n", "could not convert"),
    ],
)
def test_a_table_of_another_form_is_refused(table, words, tmp_path, out, capsys):
    place = plant(tmp_path)
    (tmp_path / "boxes.csv").write_text(table)
    assert errors(place, "--out", out, "--boxes", tmp_path / "boxes.csv") == 2
    said = capsys.readouterr().err
    assert "key, x0, y0, x1, y1" in said
    assert words in said


def test_objects_are_given_in_one_way(tmp_path, out, capsys):
    place, boxes, regions = plant(tmp_path), tmp_path / "boxes.csv", tmp_path / "regions"
    assert errors(place, "--out", out, "--boxes", boxes, "--regions", regions) == 2
    assert "either --boxes or --regions" in capsys.readouterr().err
    assert errors(place, "--out", out, "--regions", boxes) == 2
    assert "to be a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "\n", "key,x0,y0,x1\n", "key,x0,y0,x1,y1\na,0,0,inf,inf\n", "key,x0,y0,x1,y1\na,0,0,nan,1\n",
             "key,x0,y0,x1,y1\na,0,0,1e300,1\n", "key,x0,y0,x1,y1\na,-inf,0,1,1\n"],
)  # fmt: skip
def test_boxes_that_are_none_are_refused(text, tmp_path, out, capsys):
    (tmp_path / "b.csv").write_text(text)
    assert errors(plant(tmp_path), "--out", out, "--boxes", tmp_path / "b.csv") == 2
    assert "Expected --boxes to be a table" in capsys.readouterr().err
