"""Stores that somebody made to break whoever reads them: one line says what is wrong, never a traceback."""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from pages import Page

from captum_scd.cli import main
from captum_scd.store.columns import digest

HUGE, DEEP = 10**400, 100
MEASURED = ("ssr_keeps", "sdr_leaves", "infill_alone", "agreement", "second_infill")
READERS = ("verify", "report", "errors")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def head() -> dict[str, Any]:
    return {
        "format": "captum_scd store 1",
        "schema": 2,
        "identity": {
            "settings": {"seed": 0, "infill": "blur"},
            "model": "c0",
            "classes": ["a", "b"],
            "preparation": {"size": 32, "resize": 36},
        },
        "versions": {"captum_scd": "0.3.0"},
    }


def facts() -> dict[str, Any]:
    return {
        "key": ["x.jpg", "y.jpg"],
        "grid": [0, 0],
        "size": [[32, 32], [32, 32]],
        "target": [0, 1],
        "predicted": [0, 0],
        "probability": {name: [0.5, 0.5] for name in ("image", "predicted", "ssr", "sdr")},
        "areas": {name: [0.1, 0.1] for name in ("ssr", "sdr", "joint")},
        "label": [None, 1],
        "source": ["", ""],
        "look_alikes": [[], [0]],
        "verdict": {
            "word": ["trustworthy", None], "why": ["it is", None],
            **{name: [0.5, None] for name in MEASURED},
        },
    }  # fmt: skip


def craft(
    place: Path,
    top: dict[str, Any] | None = None,
    told: Any = None,
    cells: Any = None,
    name: str | None = None,
) -> Path:
    """Write a store with whatever hashes fit it."""
    cells = np.full((2, 2, 4, 4), 128, dtype=np.uint8) if cells is None else cells
    root = zarr.create_group(place, attributes=head() if top is None else top, zarr_format=3)
    called = digest(cells) if name is None else name
    if name is None:
        root.create_array(f"masks/{called}", data=cells)
    told = facts() if told is None else told
    told = {"cells": [called], **told} if isinstance(told, dict) else told
    root.create_group("facts/b1", attributes={"digest": digest(told), "facts": told})
    return place


def put(path: str, value: Any, into: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Set what stands at a path of names and places; `...` takes it out."""
    made = copy.deepcopy(into())
    *way, last = [int(one) if one.isdecimal() else one for one in path.split("/")]
    at: Any = made
    for step in way:
        at = at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return made


HEADS = [
    ("identity", ...), ("identity", []), ("identity/settings", [1]), ("identity/settings", nested(DEEP)),
    ("identity/model", 3), ("identity/classes", {"a": 1}), ("identity/classes", [1, 2]),
    ("identity/classes", "ab"), ("identity/preparation", ...), ("identity/more", 1), ("versions", ...),
    ("versions", ["0.3.0"]), ("versions/captum_scd", ...), ("versions/captum_scd", None),
    ("schema", "2"), ("schema", True), ("schema", 0), ("schema", 99), ("format", 3),
]  # fmt: skip

FACTS = [
    ("key", ...), ("key", "ab"), ("key", [1, 2]), ("key", ["x.jpg", "x.jpg"]), ("key", ["x.jpg"]),
    ("key/0", "a" * 10**6), ("cells", []), ("cells", ["../../identity"]), ("cells", {"a": 1}),
    ("grid", [0, 1]), ("grid", [0, -1]), ("grid/0", None), ("grid/0", True), ("size", ...),
    ("size", [32, 32]), ("size/0", [9, 9, 9, 9]), ("size/0", [-32, 32]), ("size/0", [10**6, 10**6]),
    ("size/0", [HUGE, 1]), ("size/0", [32.0, 32.0]), ("size/0", [1] * 64), ("target/0", -1),
    ("target/0", HUGE), ("target/0", "a"), ("target/0", 1.5), ("target/0", None), ("predicted", 0),
    ("predicted/0", True), ("probability", []), ("probability/image", [0.5]), ("probability/image/0", -0.5),
    ("probability/image/0", 7), ("probability/image/0", HUGE), ("probability/image/0", "0.5"),
    ("probability/image/0", [0.5]), ("probability/image", {"x.jpg": 0.5}), ("areas", ...),
    ("areas/ssr", None),
    ("areas/ssr/0", 1e300), ("label", ...), ("label/0", "wren"), ("label/0", -1), ("source/0", None),
    ("source/0", "a" * 10**6), ("source", {}), ("look_alikes/0", 3), ("look_alikes/0", ["a"]),
    ("look_alikes", [[]]), ("verdict", []), ("verdict/word/0", "wonderful"), ("verdict/word/0", {"a": 1}),
    ("verdict/why", ...), ("verdict/agreement", ...), ("verdict/agreement/0", "1"), ("verdict/word", "ab"),
    ("digest", [1, 2]), ("replaces", ["b1"]), ("replaces", {"x.jpg": 3}), ("target/0", nested(DEEP)),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command that reads stores says what is wrong in one line."""
    for command in READERS:
        code = main([command, str(place), *([] if command == "verify" else ["--out", "out"])])
        captured = capsys.readouterr()
        assert code == (1 if captured.out else 2), (command, captured)
        said = captured.err.strip().splitlines()[-1] if code == 2 else captured.out.splitlines()[0]
        assert ("store" in said and str(place) in said) or "batch b1: " in said, (command, said)
        assert len(said) < 400 + len(str(place))


def named(case: Any) -> str | None:
    return case if isinstance(case, str) else repr(case)[:20]


@pytest.mark.parametrize(("path", "value"), HEADS, ids=named)
def test_a_store_that_says_nonsense_of_itself_is_refused(path, value, tmp_path, capsys):
    refused(craft(tmp_path / "m.zarr", put(path, value, head)), capsys)


@pytest.mark.parametrize(("path", "value"), FACTS, ids=named)
def test_a_store_that_says_nonsense_of_its_images_is_refused(path, value, tmp_path, capsys):
    refused(craft(tmp_path / "m.zarr", told=put(path, value, facts)), capsys)


@pytest.mark.parametrize(
    "cells",
    [
        np.zeros((1, 2, 4, 4), np.uint8),
        np.zeros((2, 3, 4, 4), np.uint8),
        np.zeros((2, 2, 4), np.uint8),
        np.zeros((2, 2, 4, 4), np.float32),
        np.zeros((4,), np.uint8),
    ],
    ids=lambda cells: f"{cells.dtype}{cells.shape}",
)
def test_masks_of_another_form_are_refused(cells, tmp_path, capsys):
    refused(craft(tmp_path / "m.zarr", cells=cells), capsys)


def test_masks_that_would_fill_the_memory_are_not_read(tmp_path, capsys):
    name = 32 * "a"
    place = craft(tmp_path / "m.zarr", name=name)
    side = 1 << 20
    zarr.open_group(place, mode="a").create_array(
        f"masks/{name}", shape=(2, 2, side, side), chunks=(2, 2, side, side), dtype="uint8"
    )
    refused(place, capsys)


@pytest.mark.parametrize("file", ["zarr.json", "facts/b1/zarr.json"])
@pytest.mark.parametrize("text", ["", "{", "[" * 200_000, "9" * 10_000, "[1, 2]", '{"zarr_format": 3}'])
def test_files_that_are_no_groups_are_refused(file, text, tmp_path, capsys):
    place = craft(tmp_path / "m.zarr")
    (place / file).write_text(text)
    refused(place, capsys)


@pytest.mark.parametrize("told", [[1], "a", {"key": 3, "reason": "a"}, {"key": "z"}])
def test_a_note_of_a_failure_that_is_none_is_told_and_taken_out(told, tmp_path, capsys):
    place = craft(tmp_path / "m.zarr")
    attributes = {"digest": digest(told), "facts": told}
    zarr.open_group(place, mode="a").create_group("failures/f1", attributes=attributes)
    assert main(["report", str(place)]) == 2
    assert "failures/f1" in capsys.readouterr().err
    assert main(["verify", str(place), "--discard"]) == 1
    assert main(["report", str(place)]) == 0


def test_a_store_that_was_only_crafted_well_is_read(tmp_path):
    place = craft(tmp_path / "m.zarr", told=put("key/0", "<script>alert(1)</script>\n\u202e.jpg", facts))
    assert [main([command, str(place)]) for command in ("verify", "report")] == [0, 0]


@pytest.mark.parametrize(
    "asked",
    [3, [], "big", {"size": -1, "resize": 1}, {"size": 10**9, "resize": 10**9}, {"size": [1], "resize": {}}],
)
def test_nonsense_of_how_photos_were_cut_leaves_masks_alone(asked, tmp_path):
    place = craft(tmp_path / "m.zarr", put("identity/preparation", asked, head))
    assert [main([command, str(place)]) for command in ("verify", "report")] == [0, 0]


@pytest.mark.parametrize(
    "missing", ["probability/image", "probability/ssr", "areas/sdr", "probability/predicted"]
)
def test_a_number_that_is_not_known_is_not_shown(missing, tmp_path):
    place = craft(tmp_path / "m.zarr", told=put(missing, ..., facts))
    assert [main([command, str(place)]) for command in ("verify", "report")] == [0, 0]


def test_a_scale_of_colours_that_is_none_is_refused(tmp_path, model, capsys):
    asked = {"size": 32, "resize": 36, "mean": [1, "2", None], "std": 3}
    place = craft(tmp_path / "m.zarr", put("identity/preparation", asked, head))
    assert main(["errors", str(place), "--model", f"{model}:load"]) == 2
    assert "how its images were normalised" in capsys.readouterr().err


def test_what_a_store_names_as_photos_is_read_below_a_named_folder_only(tmp_path, save, capsys, monkeypatch):
    inside, outside = save("in/a.png"), save("out/b.png")
    (tmp_path / "photos" / "in" / "link.png").symlink_to(outside)
    os.mkfifo(tmp_path / "photos" / "in" / "pipe")
    asked: list[str] = []
    monkeypatch.setattr("fsspec.open", lambda place, *_: asked.append(place))
    shown = {}
    for number, source in enumerate(
        [
            str(inside), str(outside), f"{inside.parent}/../out/b.png", str(inside.parent / "link.png"),
            str(inside.parent / "pipe"), "http://127.0.0.1:9/a.png", f"file://{inside}",
            f"simplecache::{inside}",
            "photos/in/a.png", "\0", "a" * 5000,
        ]
    ):  # fmt: skip
        place = craft(tmp_path / f"{number}.zarr", told=put("source/0", source, facts))
        assert main(["report", str(place), "--photos", str(inside.parent), "--out", "out"]) == 0
        page = Page(Path("out/report.html").read_text(encoding="ascii"))
        shown[source] = page.blocks("facts")[0]["infill"]
        assert ("--photos names where they are" in capsys.readouterr().out) != shown[source]
    assert [source for source, seen in shown.items() if seen] == [str(inside), "photos/in/a.png"]
    assert asked == []
