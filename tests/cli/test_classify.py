"""Images in, a table of answers before and after a second look out."""

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from captum_scd import MaskGuidedClassifier
from captum_scd.classification import BoxRule
from captum_scd.runs import job as jobs
from captum_scd.runs.answers import COLUMNS


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "results.csv"


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_name(table: Path) -> dict[str, dict[str, str]]:
    return {Path(row["image"]).name: row for row in rows(table)}


def crops(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Watch what the classifier is asked."""
    asked: list[Any] = []
    classify = MaskGuidedClassifier.classify

    def spy(self: MaskGuidedClassifier, *arguments: Any, **options: Any) -> Any:
        told = classify(self, *arguments, **options)
        asked.append((self, arguments, options, told))
        return told

    monkeypatch.setattr(MaskGuidedClassifier, "classify", spy)
    return asked


@pytest.mark.parametrize("third", [0, 1, 2])
def test_one_image_gives_one_line(classify, save, table, third, monkeypatch):
    asked = crops(monkeypatch)
    photo = save("a.png", third)
    assert classify(photo) == 0
    (row,) = rows(table)
    assert tuple(row) == COLUMNS
    assert row["image"] == str(photo)
    assert row["before"] == str(third)
    assert row["before_name"] == ""
    told = asked[0][3]
    for column, logits in (("before", told.first), ("after", told.logits)):
        probability, best = logits.softmax(1)[0].max(0)
        assert int(row[column]) == best
        assert float(row[f"{column}_probability"]) == pytest.approx(probability.item(), abs=1e-6)


def test_boxes_are_in_the_photos_pixels(classify, save, table, monkeypatch):
    asked = crops(monkeypatch)
    classify(save("a.png", size=(60, 24)), "--resize", "12", "--least", 80)
    x0, y0, x1, y1 = asked[0][3].boxes[0, 0].tolist()
    (row,) = rows(table)
    assert [float(row[name]) for name in ("x0", "y0", "x1", "y1")] == [
        18 + 2 * x0, 2 * y0, 18 + 2 * x1, 2 * y1
    ]  # fmt: skip


def test_boxes_are_cut_from_the_photos_own_pixels(classify, save, monkeypatch):
    asked = crops(monkeypatch)
    classify(save("large.png", size=(90, 36)))
    classify(save("huge.png", size=(900, 800)))
    classify(save("small.png", size=(6, 7)))
    shapes = [options["detail"].shape[2:] for _, _, options, _ in asked]
    assert shapes == [(36, 36), (48, 48), (12, 12)]
    assert all(arguments[0].shape[2:] == (12, 12) for _, arguments, _, _ in asked)


def test_options_reach_the_classifier(classify, save, monkeypatch):
    asked = crops(monkeypatch)
    options = [
        "--view",
        "blend_crop",
        "--combine",
        "confidence",
        "--k",
        2,
        "--infill",
        "mean",
        "--score",
        "logit",
    ]
    classify(
        save("a.png"),
        *options,
        "--threshold",
        0.3,
        "--inside",
        0.8,
        "--padding",
        7,
        "--least",
        20,
        "--seed",
        5,
    )
    guided, told = asked[0][0], asked[0][3]
    assert (guided.view, guided.combine, guided.k, guided.fido.infill) == (
        "blend_crop", "confidence", 2, "mean"
    )  # fmt: skip
    assert guided.boxes == BoxRule(threshold=0.3, inside=0.8, padding=7, least=20)
    assert (told.masks.settings["seed"], told.masks.settings["score"]) == (5, "logit")
    assert told.masks.settings["n_iterations"] == 2


def test_a_box_around_everything_changes_nothing(classify, save, table):
    for third in range(3):
        save(f"{third}.png", third)
    classify(save("3.png").parent, "--least", 224)
    for row in rows(table):
        assert row["before"] == row["after"]
        assert float(row["before_probability"]) == pytest.approx(float(row["after_probability"]), abs=1e-5)
        assert [float(row[name]) for name in ("x0", "y0", "x1", "y1")] == [0, 0, 12, 12]


def test_changed_answers_are_printed(classify, save, monkeypatch, capsys, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("Finch\nRobin\nWren")
    classify_ = MaskGuidedClassifier.classify

    def turned(self: MaskGuidedClassifier, *arguments: Any, **options: Any) -> Any:
        told = classify_(self, *arguments, **options)
        return replace(told, logits=told.first.roll(1, 1))

    monkeypatch.setattr(MaskGuidedClassifier, "classify", turned)
    monkeypatch.setattr("captum_scd.cli.classify.ROWS_SHOWN", 1)
    save("b.png", 1)
    assert classify(save("a.png", 0).parent, "--classes", names) == 0
    stdout = capsys.readouterr().out
    assert re.search(r"a\.png +Finch +[\d.]+ +Robin", stdout)
    assert "b.png" not in stdout
    assert "... and 1 more" in stdout
    assert "the second look changed 2 of 2 answers" in stdout


def test_second_run_keeps_what_is_done(classify, save, table, capsys):
    folder = save("a.png").parent
    classify(folder)
    first = table.read_text()
    save("b.png")
    assert classify(folder) == 0
    assert table.read_text().startswith(first)
    assert "1 classified, 1 done before, 0 failed" in capsys.readouterr().out
    once = table.read_text()
    assert classify(folder) == 0
    assert table.read_text() == once
    assert "0 classified, 2 done before, 0 failed" in capsys.readouterr().out


CHANGES = [
    ("--iterations", "3"), ("--seed", "1"), ("--infill", "mean"), ("--score", "prob"),
    ("--size", "9"), ("--resize", "14"),
    ("--mean", "0", "0", "0"), ("--std", "1", "1", "1"), ("--samples", "4"), ("--mask-size", "4"),
    ("--view", "blend"), ("--combine", "replace"), ("--k", "2"), ("--threshold", "0.4"), ("--inside", "0.5"),
    ("--padding", "3"), ("--least", "50"), ("--overwrite",),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
def test_another_request_is_done_anew(classify, save, table, change, capsys):
    photo = save("a.png")
    classify(photo)
    capsys.readouterr()
    assert classify(photo, *change) == 0
    assert "1 classified, 0 done before" in capsys.readouterr().out
    assert len(rows(table)) == 1


def test_other_weights_names_or_pixels_are_done_anew(classify, save, model, tmp_path, capsys):
    photo, names = save("a.png"), tmp_path / "names.txt"
    names.write_text("a\nb\nc")
    classify(photo)
    classify(photo, attribute="heavier")
    model.write_text(model.read_text().replace("tensor(4.0)", "tensor(5.0)"))
    classify(photo)
    classify(photo, "--classes", names)
    save("a.png", 1)
    classify(photo, "--classes", names)
    assert capsys.readouterr().out.count("1 classified, 0 done before") == 5


def test_lines_about_other_images_stay(classify, save, table):
    first = save("a.png")
    classify(first)
    before = rows(table)
    classify(save("b.png"), "--seed", "3")
    assert rows(table)[:1] == before
    assert len(rows(table)) == 2


def test_a_line_broken_off_is_done_anew(classify, save, table):
    folder = save("a.png").parent
    save("b.png")
    classify(folder)
    whole = rows(table)
    table.write_text(table.read_text()[:-90])
    assert classify(folder) == 0
    assert rows(table) == whole


def test_broken_images_are_named_and_the_others_done(classify, save, table, capsys):
    folder = save("whole.png").parent
    (folder / "text.jpg").write_text("not an image")
    assert classify(folder) == 1
    captured = capsys.readouterr()
    assert f"not classified: {folder / 'text.jpg'}: it cannot be read" in captured.err
    assert "1 classified, 0 done before, 1 failed" in captured.out
    assert list(by_name(table)) == ["whole.png"]


@pytest.mark.parametrize(("attribute", "reason"), [("Picky", "too bright for me"), ("Poisoned", "NaN")])
def test_images_the_network_chokes_on_are_named(classify, save, table, attribute, reason, capsys):
    bright = save("bright.png")
    Image.new("RGB", (12, 12), "white").save(bright)
    save("usual.png")
    assert classify(bright.parent, attribute=attribute) == 1
    assert reason in capsys.readouterr().err
    assert list(by_name(table)) == ["usual.png"]


def test_interrupt_keeps_what_is_done_and_running_again_continues(classify, save, table, monkeypatch, capsys):
    for name in ("a.png", "b.png", "c.png"):
        folder = save(name).parent
    read = jobs.read

    def interrupted(path: Path) -> Any:
        if path.name == "b.png":
            raise KeyboardInterrupt
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "read", interrupted)
        assert classify(folder) == 130
    assert "captum-scd: interrupted: 1 of 3 images are done" in capsys.readouterr().err
    assert list(by_name(table)) == ["a.png"]
    assert classify(folder) == 0
    assert "2 classified, 1 done before" in capsys.readouterr().out
    assert list(by_name(table)) == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("content", ["name,age\nx,3\n", "just text", "\x00\x01"])
def test_a_file_of_another_kind_is_left_alone(classify, save, table, content, capsys):
    table.write_text(content)
    assert classify(save("a.png")) == 2
    assert "Expected --out to be a new file, or a table that this command wrote" in capsys.readouterr().err
    assert table.read_text() == content


def test_out_that_cannot_be_written_is_one_line(classify, save, tmp_path, capsys):
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file" / "below.csv"):
        assert classify(save("a.png"), "--out", place) == 2
        assert capsys.readouterr().err.count("\n") == 1


ERRORS = [
    (["--k", "4"], "Expected a model of at least 4 classes, but it has 3"),
    (["--threshold", "1.5"], "Expected `threshold` to be above 0 and at most 1, but got 1.5"),
    (["--padding", "-1"], "Expected `padding` to be at least 0"),
    (["--view", "zoom"], "invalid choice: 'zoom'"),
    (["--infill", "paint"], "Expected `infill` to be one of 'blur'"),
    (["--score", "contrast"], "invalid choice: 'contrast'"),
    (["--device", "warp"], "Expected --device to be there, but 'warp' raised"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_impossible_wishes_are_one_line(classify, save, table, arguments, message, capsys):
    assert classify(save("a.png"), *arguments) == 2
    stderr = capsys.readouterr().err
    assert stderr.count("\n") == 1
    assert message in stderr
    assert not table.exists()


def test_progress_counts_images_on_standard_error(classify, save, capsys):
    save("a.png")
    assert classify(save("b.png").parent) == 0
    assert "2/2" in capsys.readouterr().err


def test_no_gradients_are_kept(classify, save, monkeypatch):
    asked = crops(monkeypatch)
    classify(save("a.png"))
    assert not asked[0][3].logits.requires_grad
    assert torch.is_grad_enabled()
