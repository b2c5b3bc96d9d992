"""`explain --store` and `verify`."""

from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest
import torch
from pages import Page
from PIL import Image

from captum_scd import FIDOMasks, MaskStore
from captum_scd.cli import main
from captum_scd.store import verify

Run = Callable[..., int]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "masks.zarr"


@pytest.fixture
def explain_into(model: Path, place: Path) -> Run:
    """Run `explain --store` fast; later options win over the first ones."""

    def run(*arguments: object, attribute: str = "load") -> int:
        fast = ["--iterations", "2", "--size", "12", "--resize", "12", "--mask-size", "4"]
        spec = ["--model", f"{model}:{attribute}", "--store", place]
        return main([str(argument) for argument in ["explain", *fast, *spec, *arguments]])

    return run


@pytest.fixture
def photos(save, tmp_path: Path) -> Path:
    for number in range(5):
        save(f"{number % 2}/{number}.png", number % 3)
    return tmp_path / "photos"


def test_a_folder_goes_into_a_store(explain_into, photos, place, capsys):
    assert explain_into(photos, "--labels") == 0
    store = MaskStore.open(place)
    assert sorted(store) == ["0/0.png", "0/2.png", "0/4.png", "1/1.png", "1/3.png"]
    for entry in store.entries():
        assert entry.label == int(entry.key[0])
        assert entry.target == entry.predicted == int(entry.key[2]) % 3
        assert entry.source == str(photos / entry.key)
    assert store.identity["preparation"]["size"] == 12
    assert f"5 explained, 0 done before, 0 failed; masks in {place}" in capsys.readouterr().out


def test_the_masks_are_those_of_explain_out(explain_into, explain, photos, place, out):
    explain_into(photos)
    explain(photos, "--mask-size", 4)
    store = MaskStore.open(place)
    for key in store:
        alone = FIDOMasks.load((out / key).with_suffix(".npz"))
        assert (store[key].joint - alone.joint).abs().max() <= 1 / 255 + 1e-4
        assert {**alone.settings, **store[key].settings} == alone.settings


def test_images_come_from_a_url_as_from_a_folder(explain_into, photos, place, tmp_path, out):
    files = fsspec.filesystem("memory")
    files.put(f"{photos}/", "/camera/2026/", recursive=True)
    files.pipe({"/camera/2026/notes.txt": b"wet", "/camera/2026/.cache/0.png": b"x"})
    explain_into(photos, "--labels")
    assert explain_into("memory://camera/2026", "--labels", "--store", tmp_path / "far.zarr") == 0
    here, far = MaskStore.open(place), MaskStore.open(tmp_path / "far.zarr")
    assert [entry.key for entry in far.entries()] == [entry.key for entry in here.entries()]
    for key in here:
        assert torch.equal(far[key].joint, here[key].joint)
        assert (far.entry(key).label, far.entry(key).source) == (int(key[0]), f"memory://camera/2026/{key}")
    assert main(["report", str(tmp_path / "far.zarr"), "--out", str(out), "--photos", "memory://camera"]) == 0
    assert "not read again" not in (out / "report.html").read_text(encoding="ascii")


def test_two_urls_keep_their_images_apart(explain_into, photos, place):
    fsspec.filesystem("memory").put(f"{photos}/", "/camera/", recursive=True)
    assert explain_into("memory://camera/0", "memory://camera/1/3.png") == 0
    assert list(MaskStore.open(place)) == ["0/0.png", "0/2.png", "0/4.png", "3.png"]


@pytest.mark.parametrize("url", ["memory://nowhere/at/all", "nosuchprotocol://photos"])
def test_a_url_without_images_is_named(url, explain_into, capsys):
    assert explain_into(url) == 2
    assert url in capsys.readouterr().err


def test_other_commands_refuse_urls(explain, out, capsys):
    assert explain("memory://camera/0") == 2
    assert "only `explain --store` takes URLs" in capsys.readouterr().err


def test_a_run_goes_on_where_the_last_one_ended(explain_into, photos, place, save, capsys):
    explain_into(photos / "0")
    save("0/9.png")
    assert explain_into(photos / "0") == 0
    assert "1 explained, 3 done before, 0 failed" in capsys.readouterr().out
    assert len(MaskStore.open(place)) == 4


def test_a_broken_image_is_told_and_tried_again(explain_into, photos, place, save, capsys):
    (photos / "0" / "1.png").write_bytes(b"no image")
    assert explain_into(photos / "0") == 1
    captured = capsys.readouterr()
    assert "3 explained, 0 done before, 1 failed" in captured.out
    assert "not explained: 1.png: it cannot be read" in captured.err
    assert explain_into(photos / "0") == 1
    save("0/1.png")
    assert explain_into(photos / "0") == 0
    assert "1 explained, 3 done before, 0 failed" in capsys.readouterr().out
    assert sorted(MaskStore.open(place)) == ["0.png", "1.png", "2.png", "4.png"]


def test_a_photo_that_has_changed_is_explained_again(explain_into, photos, place, save, capsys):
    explain_into(photos / "0")
    before = MaskStore.open(place)["0.png"]
    for third in (1, 0, 1, 0):
        save("0/0.png", third)
        assert explain_into(photos / "0") == 0
        told = capsys.readouterr().out
        assert "1 explained again: their photos have changed since" in told
        assert "1 explained, 2 done before, 0 failed" in told
        store = MaskStore.open(place)
        assert store.entry("0.png").predicted == third
        assert sorted(store) == sorted(entry.key for entry in store.entries()) == ["0.png", "2.png", "4.png"]
        assert list(verify(store)) == []
    assert torch.equal(store["0.png"].joint, before.joint)
    assert explain_into(photos / "0") == 0
    assert "0 explained, 3 done before, 0 failed" in capsys.readouterr().out


def test_a_photo_that_is_touched_copied_or_moved_has_not_changed(explain_into, photos, tmp_path, capsys):
    explain_into(photos / "0")
    (photos / "0" / "0.png").touch()
    (photos / "0").rename(tmp_path / "elsewhere")
    assert explain_into(tmp_path / "elsewhere") == 0
    assert "0 explained, 3 done before, 0 failed" in capsys.readouterr().out


def test_a_photo_of_the_same_name_from_another_folder_is_not_taken_for_the_same(
    explain_into, photos, place, save, capsys
):
    explain_into(photos / "0")
    save("other/0.png", 1)
    save("other/9.png", 1)
    assert explain_into(photos / "other") == 1
    captured = capsys.readouterr()
    assert (
        f"not explained: 0.png: the store has another photo of this name, '{photos / '0' / '0.png'}'"
        in captured.err
    )
    assert "1 explained, 0 done before, 1 failed" in captured.out
    assert MaskStore.open(place).entry("0.png").source == str(photos / "0" / "0.png")
    assert explain_into(photos / "0") == 0
    assert MaskStore.open(place).failures == {}


def test_a_photo_that_has_changed_and_cannot_be_read_has_failed(explain_into, photos, place, save, capsys):
    explain_into(photos / "0")
    whole = (photos / "0" / "0.png").read_bytes()
    (photos / "0" / "0.png").write_bytes(b"no image")
    for _ in range(2):
        assert explain_into(photos / "0") == 1
        assert "not explained: 0.png: it cannot be read" in capsys.readouterr().err
    (photos / "0" / "0.png").write_bytes(whole)
    assert explain_into(photos / "0") == 0
    assert MaskStore.open(place).failures == {}


def test_a_store_that_knows_no_hashes_goes_by_the_keys(
    explain_into, photos, place, save, capsys, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr("captum_scd.store.columns._digests", lambda entries: {})
        explain_into(photos / "0")
    save("0/0.png", 1)
    assert explain_into(photos / "0") == 0
    assert "0 explained, 3 done before, 0 failed" in capsys.readouterr().out


def test_images_of_several_folders_are_told_apart(explain_into, photos, place):
    Image.open(photos / "1" / "1.png").save(photos / "0" / "1.png")
    assert explain_into(photos / "0", photos / "1") == 0
    assert {"0/1.png", "1/1.png"} <= set(MaskStore.open(place))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--iterations", "3"], "settings.n_iterations is 2 there and 3 here"),
        (["--size", "11"], "preparation.size is 12 there and 11 here"),
        (["--infill", "mean"], 'settings.infill is ["blur", "mean"] there and "mean" here'),
        (["--contrast", "1", "--target", "0"], "settings.contrast_target"),
    ],
)
def test_another_question_is_refused(explain_into, photos, options, told, capsys):
    explain_into(photos / "0" / "0.png")
    assert explain_into(photos, *options) == 2
    assert told in capsys.readouterr().err


def test_another_network_is_refused(explain_into, photos, capsys):
    explain_into(photos / "0" / "0.png")
    assert explain_into(photos, attribute="heavier") == 2
    assert "model is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--report"], "Expected --report with --out only"),
        (["--overwrite"], "Expected --overwrite with --out only"),
        (["--alternatives", "1"], "Expected --alternatives with --out only"),
        (["--out", "x"], "not allowed with argument"),
        (["--labels", "--classes", "{names}"], "Expected the folder of each image to be"),
        (["--store", "nowhere://x"], "nowhere"),
    ],
)
def test_what_cannot_be_carried_out_is_one_line(explain_into, photos, options, told, capsys, tmp_path):
    (tmp_path / "names.txt").write_text("crane\nfinch\nstork\n")
    shown = photos / "nine"
    shown.mkdir()
    (photos / "0" / "0.png").rename(shown / "0.png")
    assert explain_into(shown, *(one.format(names=tmp_path / "names.txt") for one in options)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert told in line


def test_store_options_need_a_store(explain, save, capsys):
    assert explain(save("a.png"), "--labels") == 2
    assert "Expected --labels with --store only" in capsys.readouterr().err


def test_verify_says_that_a_store_is_whole(explain_into, photos, place, capsys):
    explain_into(photos)
    assert main(["verify", str(place)]) == 0
    assert "5 images in 1 batches, 0 that failed, no problems" in capsys.readouterr().out


def test_verify_lists_damage_and_discards_it(explain_into, photos, place, capsys):
    explain_into(photos)
    next(place.glob("masks/*/c.*")).unlink()
    assert main(["verify", str(place)]) == 1
    assert "missing or altered" in capsys.readouterr().out
    assert main(["verify", str(place), "--discard"]) == 1
    assert len(MaskStore.open(place)) == 0
    assert explain_into(photos) == 0
    assert len(MaskStore.open(place)) == 5
    assert list(verify(MaskStore.open(place))) == []


def test_verify_of_nothing_is_told(place, capsys):
    assert main(["verify", str(place)]) == 2
    assert "there is none" in capsys.readouterr().err


@pytest.mark.ray
def test_workers_read_images_from_a_url(explain_into, photos, place, tmp_path):
    pytest.importorskip("ray")
    explain_into(photos)
    far = tmp_path / "far.zarr"
    assert explain_into(photos.as_uri(), "--store", far.as_uri(), "--engine", "ray") == 0
    here, there = MaskStore.open(place), MaskStore.open(far)
    assert sorted(there) == sorted(here)
    assert all((there[key].joint - here[key].joint).abs().max() <= 1 / 255 for key in here)


def test_the_nearest_classes_of_each_image_are_stored_and_told(explain_into, photos, place, out):
    assert explain_into(photos, "--contrast", "nearest") == 0
    store = MaskStore.open(place)
    assert store.identity["settings"]["contrast_target"] == "nearest"
    for entry in store.entries():
        assert {*entry.look_alikes, entry.target} == {0, 1, 2}
        assert entry.masks.settings["contrast_target"] == [list(entry.look_alikes)]
    assert main(["report", str(place), "--out", str(out)]) == 0
    told = Page((out / "report.html").read_text(encoding="ascii")).blocks("facts")
    assert [image["facts"]["and not"] for image in told] == [
        " or ".join(f"class {other}" for other in entry.look_alikes) for entry in store.entries()
    ]
