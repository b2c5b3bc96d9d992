"""`report`: a page about a store, with its photos where they still are."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch
from pages import Page, decoded
from PIL import Image
from stores import CARDED, CLASSES, IDENTITY, SIDE, corner, plant

from captum_scd import FIDOMasks
from captum_scd.cli import main
from captum_scd.runs.digests import digest_of
from captum_scd.store import Entry, MaskStore


def report(*arguments: object) -> int:
    return main(["report", *map(str, arguments)])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return plant(tmp_path)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photos below the current folder are read."""
    monkeypatch.chdir(tmp_path)


def told(out: Path) -> Page:
    return Page((out / "report.html").read_text(encoding="ascii"))


def test_every_image_is_shown_with_its_masks_and_numbers(place, out, capsys):
    assert report(place, "--out", out) == 0
    assert f"48 of 48 images, 0 failed; report in {out / 'report.html'}" in capsys.readouterr().out
    page = told(out)
    (heading,), images = page.blocks("report"), page.blocks("facts")
    assert [image["name"] for image in images] == list(MaskStore.open(place))
    numbers = dict(zip([column["title"] for column in heading["columns"]], images[0]["numbers"], strict=True))
    assert (numbers["probability"], numbers["SSR keeps"], numbers["SDR leaves"]) == (0.9, 0.8, 0.1)
    assert (numbers["SSR area"], numbers["right"]) == (0.1, 1)
    assert images[0]["facts"]["true class"] == CLASSES[0]
    joint, ssr, _ = page.blocks("pixels")[CARDED]["maps"]
    assert joint["of"] == ["SSR", "SDR"]
    assert (decoded(ssr) - corner().ssr_cells[0, 0]).abs().max() < 1 / 255


def test_photos_are_shown_with_their_infill_where_they_are(place, out, tmp_path):
    (tmp_path / "photos" / CLASSES[0] / "0.png").unlink()
    assert report(place, "--out", out) == 0
    images = told(out).blocks("facts")
    assert [image["infill"] for image in images[:3]] == [False, True, True]
    assert images[0]["facts"]["photo"] == "not read again"


def test_photos_elsewhere_are_shown_where_their_folder_is_named(place, out, tmp_path, capsys, monkeypatch):
    out.mkdir()
    monkeypatch.chdir(out)
    assert report(place) == 0
    assert "48 photos do not lie below '.', and were not read; --photos names" in capsys.readouterr().out
    assert report(place, "--photos", tmp_path / "photos", "--out", out) == 0
    assert "not read" not in capsys.readouterr().out
    assert all(image["infill"] for image in told(out).blocks("facts"))


def test_another_photo_in_the_place_of_the_one_that_was_explained_is_not_shown(tmp_path, out):
    store = MaskStore.create(tmp_path / "m.zarr", IDENTITY)
    chances = {"image": 0.8, "predicted": 0.8, "ssr": 0.7, "sdr": 0.1}
    for name in "ab":
        path = tmp_path / f"{name}.png"
        Image.new("RGB", (SIDE, SIDE), "red").save(path)
        known = {"source": str(path), "digest": digest_of(path)}
        store.append([Entry(name, corner(), 1, 1, chances, {"ssr": 0.1, "sdr": 0.1}, **known)], name)
    Image.new("RGB", (SIDE, SIDE), "blue").save(tmp_path / "b.png")
    assert report(store.place, "--out", out) == 0
    assert [image["infill"] for image in told(out).blocks("facts")] == [True, False]


def test_masks_are_shown_alone_where_it_is_not_known_how_photos_were_cut(tmp_path, out):
    assert report(plant(tmp_path, preparation=None), "--out", out) == 0
    assert not any(image["infill"] for image in told(out).blocks("facts"))


def test_masks_are_shown_alone_once_all_photos_are_gone(place, out, tmp_path):
    shutil.rmtree(tmp_path / "photos")
    assert report(place, "--out", out) == 0
    assert len(told(out).blocks("pixels")) == 48


def test_a_noisy_infill_is_not_made_up(tmp_path, out):
    report(plant(tmp_path, settings={"infill": "uniform"}), "--out", out)
    assert not any(image["infill"] for image in told(out).blocks("facts"))


def test_a_large_store_is_shown_in_part(place, out):
    assert report(place, "--out", out, "--images", 5) == 0
    page = told(out)
    assert len(page.blocks("facts")) == 5
    assert "The first 5 of 48 images" in page.blocks("report")[0]["notes"][0]


def test_what_is_explained_and_what_is_true_are_named_where_they_differ(tmp_path, out):
    store = MaskStore.create(tmp_path / "m.zarr", IDENTITY)
    chances = {"image": 0.2, "predicted": 0.7, "ssr": 0.05, "sdr": 0.15}
    store.append([Entry("a", corner(), 0, 1, chances, {"ssr": 0.1, "sdr": 0.1}, label=3)], "first")
    store.fail("b", "it cannot be read")
    assert report(tmp_path / "m.zarr", "--out", out) == 1
    page = told(out)
    (image,) = page.blocks("facts")
    assert image["label"] == "finch (explained: wren, true: robin)"
    assert len(image["doubts"]) == 2
    assert page.blocks("failure") == [{"name": "b", "reason": "it cannot be read"}]


@pytest.mark.parametrize("command", ["report", "errors"])
def test_what_is_no_store_of_images_is_refused(command, tmp_path, out, capsys):
    assert main([command, str(tmp_path / "nowhere"), "--out", str(out)]) == 2
    assert "Expected a store of masks" in capsys.readouterr().err
    cells = torch.zeros(1, 1, 4)
    store = MaskStore.create(tmp_path / "signals.zarr", IDENTITY)
    store.append([Entry("a", FIDOMasks(cells, cells, (SIDE,)), 0, 0, {"image": 1}, {})], "first")
    assert main([command, store.place, "--out", str(out)]) == 2
    assert "Expected masks of images" in capsys.readouterr().err
    assert not list(out.iterdir())


def test_a_file_of_another_origin_is_not_written_over(place, out, capsys):
    out.mkdir()
    (out / "report.html").write_text("my garden")
    assert report(place, "--out", out) == 2
    assert "page of an earlier run" in capsys.readouterr().err


def test_verdicts_of_a_store_are_shown(verdict, tmp_path, out):
    store = MaskStore.create(tmp_path / "m.zarr", IDENTITY)
    chances = {"image": 0.8, "predicted": 0.8, "ssr": 0.1, "sdr": 0.1}
    judged = dataclasses.replace(corner(), verdict=(verdict(sdr_leaves=0.6),))
    for key, masks in (("old", corner()), ("new", judged)):
        store.append([Entry(key, masks, 1, 1, chances, {"ssr": 0.1, "sdr": 0.1})], key)
    assert report(tmp_path / "m.zarr", "--out", out) == 0
    page = told(out)
    images = {image["name"]: image for image in page.blocks("facts")}
    line = "failed: what is outside the destroying region keeps 60 %"
    assert images["new"]["facts"]["verdict"] == line
    assert images["new"]["doubts"] == [line]
    assert "verdict" not in images["old"]["facts"]
    assert images["old"]["doubts"] == ["the SSR keeps less than half of the probability"]
    place = [column["title"] for column in page.blocks("report")[0]["columns"]].index("trusted")
    assert (images["new"]["numbers"][place], images["old"]["numbers"][place]) == (0, None)


def test_a_store_without_verdicts_is_shown_as_before(place, out):
    report(place, "--out", out)
    (heading,) = told(out).blocks("report")
    assert "trusted" not in [column["title"] for column in heading["columns"]]
    assert "Verdict" not in heading["guide"]


@pytest.mark.parametrize(("contrast", "doubted"), [(None, 1), (0, 0)])
def test_a_contrast_is_not_judged_by_the_probability(contrast, doubted, tmp_path, out):
    settings = {**IDENTITY["settings"], "contrast_target": contrast}
    store = MaskStore.create(tmp_path / "m.zarr", {**IDENTITY, "settings": settings})
    chances = {"image": 0.8, "predicted": 0.8, "ssr": 0.1, "sdr": 0.1}
    store.append([Entry("a", corner(), 1, 1, chances, {"ssr": 0.1, "sdr": 0.1})], "first")
    assert report(tmp_path / "m.zarr", "--out", out) == 0
    assert len(told(out).blocks("facts")[0]["doubts"]) == doubted
