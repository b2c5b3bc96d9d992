"""Images in, figures, masks and summaries out."""

import contextlib
import functools
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from captum_scd import FIDOAttribution, FIDOMasks, MaskStore, metrics, visualization
from captum_scd.cli import main
from captum_scd.infill import INFILLS
from captum_scd.objective import SCORES
from captum_scd.runs import folder
from captum_scd.runs import job as jobs
from captum_scd.runs.results import Result


def strict(path: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    summary: dict[str, Any] = json.loads(path.read_text(), parse_constant=refuse)
    return summary


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_one_image_gives_three_files_and_a_table(drawn, explain, save, out, capsys):
    assert explain(save("left.png")) == 0
    assert sorted(times(out)) == ["left.json", "left.npz", "left.png"]
    stdout = capsys.readouterr().out
    assert "left" in stdout
    assert "SSR keeps" in stdout
    assert "mean of 1" in stdout
    assert str(out) in stdout


@pytest.mark.parametrize("third", [0, 1, 2])
def test_summary_tells_what_was_found(explain, save, out, third):
    photo = save("a.png", third)
    explain(photo)
    summary = strict(out / "a.json")
    assert summary["image"] == str(photo)
    assert summary["predicted"]["index"] == summary["target"]["index"] == third
    assert summary["predicted"]["name"] is None
    assert summary["predicted"]["probability"] == pytest.approx(summary["probability"]["image"])
    assert summary["contrast"] is None
    assert summary["seed"] == summary["settings"]["seed"] == 0
    assert summary["settings"]["n_iterations"] == 2
    assert set(summary["versions"]) == {"captum_scd", "captum", "torch", "numpy", "python"}
    assert summary["seconds"] > 0
    assert summary["passes"] > 2


def test_probabilities_and_extents_follow_from_the_masks_file(explain, save, out, model):
    explain(save("a.png"))
    summary, masks = strict(out / "a.json"), FIDOMasks.load(out / "a.npz")
    pixels = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), torch.tensor([0.229, 0.224, 0.225])
    image = Image.open(summary["image"]).convert("RGB")
    raw = (
        torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(12, 12, 3).permute(2, 0, 1)[None]
    )
    inputs = (raw / 255 - pixels[0]) / pixels[1].view(1, 3, 1, 1)

    def network(x: torch.Tensor) -> torch.Tensor:
        return 4 * torch.stack([part.mean((1, 2, 3)) for part in x.tensor_split(3, dim=3)], dim=1)

    kept = {"ssr": masks.threshold(0.5, "ssr"), "sdr": ~masks.threshold(0.5, "sdr"), "ssr_soft": masks.ssr}
    for name, mask in kept.items():
        told = metrics.probability_under(network, inputs, mask, masks.infill, target=0).item()
        assert summary["probability"][name] == pytest.approx(told, abs=1e-6)
    for mode in ("ssr", "sdr", "joint"):
        assert summary["areas"][mode] == pytest.approx(masks.threshold(0.5, mode).float().mean().item())
    assert summary["box"] in ([*masks.bounding_box(0.5)[0].tolist()], None)


def test_only_what_was_given_is_passed_on(explain, save, monkeypatch):
    seen: dict[str, Any] = {}
    attribute = FIDOAttribution.attribute

    @functools.wraps(attribute)
    def spy(self: Any, *arguments: Any, **options: Any) -> Any:
        seen.update(options)
        return attribute(self, *arguments, **options)

    monkeypatch.setattr(FIDOAttribution, "attribute", spy)
    explain(save("a.png"))
    assert set(seen) == {"target", "return_masks", "n_iterations"}
    explain(save("a.png"), "--samples", 4, "--mask-size", 6, "--seed", 3, "--contrast", 2)
    assert (seen["n_samples"], seen["mask_size"], seen["seed"], seen["contrast_target"]) == (4, 6, 3, 2)


def test_same_seed_gives_the_same_masks(explain, save, out, tmp_path):
    photo = save("a.png")
    explain(photo)
    explain(photo, "--out", tmp_path / "again")
    explain(photo, "--out", tmp_path / "other", "--seed", 5)
    first, again, other = (
        FIDOMasks.load(f / "a.npz").ssr for f in (out, tmp_path / "again", tmp_path / "other")
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_classes_targets_and_contrasts_by_name(drawn, explain, save, out, tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("Finch\nRobin\nWren\n\n", encoding="utf-8")
    assert explain(save("a.png", 0), "--classes", names, "--target", "wren", "--contrast", 1) == 0
    summary = strict(out / "a.json")
    assert summary["predicted"]["name"] == "Finch"
    assert summary["target"] == {"index": 2, "name": "Wren"}
    assert summary["contrast"] == [{"index": 1, "name": "Robin"}]
    told = capsys.readouterr().out
    assert "the lead over Robin" in told
    assert "Finch (explained: Wren)" in told


def test_the_nearest_classes_are_named_as_they_were_used(explain, save, out, tmp_path, capsys, monkeypatch):
    names, titles = tmp_path / "names.txt", []
    names.write_text("Finch\nRobin\nWren\n")
    figure = visualization.masks_figure
    monkeypatch.setattr(
        visualization, "masks_figure", lambda *a, **k: [titles.append(a[4]), figure(*a, **k)][1]
    )
    photo = save("a.png", 2)
    image = Image.open(photo)
    image.paste((90, 90, 90), (0, 0, 4, 12))  # Finch is the second likeliest, Robin the last
    image.save(photo)
    assert explain(photo, "--classes", names, "--contrast", "nearest") == 0
    summary = strict(out / "a.json")
    assert summary["contrast"] == [{"index": 0, "name": "Finch"}, {"index": 1, "name": "Robin"}]
    assert (summary["settings"]["score"], summary["settings"]["contrast_target"]) == ("contrast", [[0, 1]])
    assert titles == ["Why Wren and not Finch or Robin?"]
    assert "the lead over its nearest classes" in capsys.readouterr().out


@pytest.mark.parametrize("infill", list(INFILLS))
def test_every_infill_by_name(explain, save, out, infill):
    assert explain(save("a.png"), "--infill", infill) == 0
    assert strict(out / "a.json")["settings"]["infill"] == infill


@pytest.mark.parametrize("score", [name for name in SCORES if name not in ("contrast", "similarity")])
def test_every_score_by_name(explain, save, out, score):
    assert explain(save("a.png"), "--score", score) == 0
    assert strict(out / "a.json")["settings"]["score"] == score


def test_a_contrast_is_a_score_by_name_too(explain, save, out, tmp_path):
    photo = save("a.png")
    assert explain(photo, "--contrast", 1) == 0
    assert explain(photo, "--contrast", 1, "--score", "contrast", "--out", tmp_path / "named") == 0
    first, named = (FIDOMasks.load(folder / "a.npz") for folder in (out, tmp_path / "named"))
    assert first.settings == named.settings
    assert torch.equal(first.joint, named.joint)


def test_folder_goes_on_past_broken_images_and_names_them(explain, save, out, capsys):
    whole = save("sub/whole.png")
    folder = whole.parent.parent
    (folder / "text.jpg").write_text("not an image")
    (folder / "empty.png").touch()
    data = save("cut.jpg", size=(200, 200)).read_bytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    assert explain(folder) == 1
    stderr = capsys.readouterr().err
    assert all(
        f"{folder / name}: it cannot be read" in stderr for name in ("text.jpg", "empty.png", "cut.jpg")
    )
    assert [path.name for path in out.rglob("*.json")] == ["whole.json"]
    assert (out / "sub" / "whole.json").is_file()
    assert "Traceback" not in stderr


def test_broken_image_alone_fails_without_a_table(explain, tmp_path, capsys):
    (tmp_path / "x.png").write_bytes(b"\x89PNG")
    assert explain(tmp_path / "x.png") == 1
    assert "0 explained, 0 done before, 1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(("attribute", "reason"), [("Picky", "too bright for me"), ("Poisoned", "NaN")])
def test_image_the_network_chokes_on_is_named(explain, save, out, attribute, reason, capsys):
    bright = save("bright.png")
    Image.new("RGB", (12, 12), "white").save(bright)
    save("usual.png")
    assert explain(bright.parent, attribute=attribute) == 1
    assert f"{bright}: " in (stderr := capsys.readouterr().err)
    assert reason in stderr
    assert [path.name for path in out.glob("*.json")] == ["usual.json"]


def test_prediction_that_is_the_contrast_is_named(explain, save, capsys):
    assert explain(save("a.png", 1), "--contrast", 1) == 1
    assert "the contrast class itself" in capsys.readouterr().err


def test_second_run_skips_what_is_done(explain, save, out, capsys):
    folder = save("a.png").parent
    explain(folder)
    before = times(out)
    save("b.png")
    assert explain(folder) == 0
    after = times(out)
    assert {name: after[name] for name in before} == before
    assert "b.json" in after
    stdout = capsys.readouterr().out
    assert "1 explained, 1 done before, 0 failed" in stdout
    assert "mean of 2" in stdout


CHANGES = [
    ("--iterations", "3"), ("--seed", "1"), ("--target", "1"), ("--contrast", "2"), ("--infill", "mean"),
    ("--score", "prob"),
    ("--size", "9"), ("--resize", "14"), ("--mean", "0", "0", "0"), ("--samples", "4"),
    ("--mask-size", "4"), ("--overwrite",),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
def test_another_request_is_done_anew(explain, save, out, change):
    photo = save("a.png")
    explain(photo)
    before = times(out)
    assert explain(photo, *change) == 0
    assert all(time > before[name] for name, time in times(out).items())


def test_other_weights_names_or_pixels_are_done_anew(explain, save, out, tmp_path, model):
    photo = save("a.png")
    explain(photo)
    for change in ("weights", "names", "pixels"):
        before = times(out)
        names = tmp_path / "names.txt"
        names.write_text("a\nb\nc")
        if change == "weights":
            model.write_text(model.read_text().replace("tensor(4.0)", "tensor(5.0)"))
        if change == "pixels":
            save("a.png", 1)
        explain(photo, *(["--classes", names] if change != "weights" else []))
        assert times(out)["a.json"] > before["a.json"], change


@pytest.mark.parametrize("suffix", [".png", ".npz", ".json"])
def test_missing_or_damaged_results_are_done_anew(explain, save, out, suffix):
    photo = save("a.png")
    explain(photo)
    lost = out / f"a{suffix}"
    if suffix == ".json":
        lost.write_text(lost.read_text()[:40])
    else:
        lost.unlink()
    explain(photo)
    assert strict(out / "a.json")["format"] == folder.FORMAT
    assert (out / f"a{suffix}").stat().st_size > 40


def test_summary_comes_last_and_no_partial_file_stays(explain, save, out, monkeypatch, capsys):
    photo = save("a.png")
    explain(photo)

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FIDOMasks, "save", full)
    assert explain(photo, "--seed", 9) == 2
    assert sorted(times(out)) == ["a.npz", "a.png"]
    assert "No space left" in capsys.readouterr().err


def test_interrupt_says_how_many_are_done_and_running_again_continues(
    explain, save, out, monkeypatch, capsys
):
    for name in ("a.png", "b.png", "c.png"):
        folder = save(name).parent
    read = jobs.read

    def interrupted(path: Path) -> Any:
        if path.name == "b.png":
            raise KeyboardInterrupt
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "read", interrupted)
        assert explain(folder) == 130
    captured = capsys.readouterr()
    assert "captum-scd: interrupted: 1 of 3 images are done" in captured.err
    assert "again" in captured.err
    assert "Traceback" not in captured.err
    assert explain(folder) == 0
    assert "2 explained, 1 done before" in capsys.readouterr().out


def test_interrupt_while_the_model_loads(explain, save, monkeypatch, capsys):
    def interrupted(spec: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("captum_scd.cli.question.load", interrupted)
    assert explain(save("a.png")) == 130
    assert capsys.readouterr().err == "captum-scd: interrupted\n"


def test_progress_counts_images_on_standard_error(explain, save, capsys):
    save("a.png")
    assert explain(save("b.png").parent) == 0
    assert "2/2" in capsys.readouterr().err


def test_results_beside_the_photos_leave_them_alone(explain, save):
    photo = save("a.png")
    sidecar = photo.with_suffix(".json")
    sidecar.write_text("annotations")
    data = photo.read_bytes()
    for _ in range(2):
        assert explain(photo.parent, "--out", photo.parent) == 0
    assert photo.read_bytes() == data
    assert sidecar.read_text() == "annotations"
    assert sorted(times(photo.parent)) == ["a.fido.json", "a.fido.npz", "a.fido.png", "a.json", "a.png"]


def test_figures_of_an_earlier_run_are_no_photos(explain, save, capsys):
    photo = save("a.png")
    explain(photo.parent, "--out", photo.parent / "results")
    capsys.readouterr()
    explain(photo.parent, "--out", photo.parent / "more")
    assert "1 explained, 0 done before" in capsys.readouterr().out


def test_long_table_is_cut_and_means_are_over_all(explain, save, monkeypatch, capsys):
    monkeypatch.setattr("captum_scd.cli.explain.ROWS_SHOWN", 1)
    save("a.png")
    explain(save("b.png").parent)
    stdout = capsys.readouterr().out
    assert "... and 1 more" in stdout
    assert "mean of 2" in stdout


USAGE = [
    ([], "the following arguments are required: COMMAND"),
    (["paint"], "invalid choice: 'paint'"),
    (["explain"], "required"),
    (["explain", "PHOTO", "--size", "0"], "Expected a whole number of at least 1, but got '0'."),
    (["explain", "PHOTO", "--seed", "x"], "Expected a whole number of at least 0, but got 'x'."),
    (["explain", "PHOTO", "--std", "1", "0", "1"], "Expected a positive number, but got '0'."),
    (["explain", "PHOTO", "--mean", "nan", "0", "1"], "Expected a number, but got 'nan'."),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE)
def test_malformed_commands_are_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("captum-scd: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert captured.out == ""


ERRORS = [
    (["--target", "5"], "Expected --target to be a class number from 0 to 2"),
    (["--target", "-1"], "Expected --target to be a class number from 0 to 2"),
    (["--target", "wren"], "names need --classes"),
    (["--target", "1", "--contrast", "1"], "Expected --contrast to be another class than --target"),
    (["--contrast", "nearer"], "Expected --contrast to be 'nearest', a class number from 0 to 2"),
    (["--infill", "paint"], "Expected `infill` to be one of 'blur'"),
    (["--score", "margin"], "invalid choice: 'margin'"),
    (["--score", "contrast"], "Expected a `contrast_target` for score 'contrast', but got None."),
    (["--score", "prob", "--contrast", "1"], "Expected no `contrast_target` beside score 'prob'"),
    (["--classes", "nowhere.txt"], "Expected --classes to name a text file"),
    (["--device", "warp"], "Expected --device to be there, but 'warp' raised"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_impossible_questions_are_one_line(explain, save, out, arguments, message, capsys):
    assert explain(save("a.png"), *arguments) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("captum-scd: error: ")
    assert stderr.count("\n") == 1
    assert message in stderr
    assert not out.exists()


def test_out_that_is_a_file_is_refused(explain, save, tmp_path, capsys):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        assert explain(save("a.png"), "--out", place) == 2
        assert "Expected --out to be a folder to write to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("Bad", "Expected the model to return logits in a tensor, but got list; say where"),
        ("Flat", "no gradient"),
    ],
)
def test_unfit_networks_are_refused(explain, save, attribute, message, capsys):
    assert explain(save("a.png"), attribute=attribute) == 2
    assert message in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("captum-scd ")


@pytest.mark.parametrize("command", [["--help"], ["explain", "--help"], ["demo", "--help"]])
def test_help_is_there(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 0
    assert "usage: captum-scd" in capsys.readouterr().out


def test_a_verdict_stands_in_summary_masks_and_table(explain, save, out, judge, verdict, capsys):
    judge(verdict(ssr_keeps=0.2, agreement=float("nan")), verdict())
    save("a.png")
    explain(save("b.png").parent)
    summary = strict(out / "a.json")["verdict"]
    assert summary["line"] == FIDOMasks.load(out / "a.npz").verdict[0].line == "failed: the region keeps 20 %"
    assert (summary["word"], summary["trusted"], summary["ssr_keeps"]) == ("failed", False, 0.2)
    assert summary["agreement"] is None
    assert strict(out / "b.json")["verdict"]["trusted"] is True
    lines = capsys.readouterr().out.splitlines()
    header, _, *rows = lines[:6]
    assert header.split()[-1] == "verdict"
    assert [row.split()[-1] for row in rows[:2]] == ["failed", "trustworthy"]
    assert rows[3].endswith(" 1 trusted")
    assert "note: in 1 of 2 failed: a region does not do what it is for" in lines


def test_further_regions_stand_in_summary_masks_and_page(explain, save, out):
    assert explain(save("a.png"), "--alternatives", "2", "--report") == 0
    masks, told = FIDOMasks.load(out / "a.npz"), strict(out / "a.json")["alternatives"]
    assert len(masks.alternatives) == len(told) == 2
    for one, masks_of_one in zip(told, masks.alternatives, strict=True):
        area = masks_of_one.threshold(0.5, "ssr").float().mean().item()
        assert one["areas"]["ssr"] == pytest.approx(area)
        assert one["verdict"]["line"] == masks_of_one.verdict[0].line
    assert '"Alternative 2"' in (out / "report.html").read_text()


def test_without_further_regions_nothing_is_said_of_them(explain, save, out):
    explain(save("a.png"), "--alternatives", "0")
    assert "alternatives" not in strict(out / "a.json")


def test_what_is_not_judged_reads_as_before(explain, save, out, judge, capsys):
    judge(None)
    explain(save("a.png"))
    assert "verdict" not in strict(out / "a.json")
    assert capsys.readouterr().out.splitlines()[0].split()[-2:] == ["SDR", "area"]


def test_images_with_and_without_verdict_stand_in_one_table(explain, save, judge, verdict, capsys):
    judge(None, verdict(agreement=0.1))
    save("a.png")
    explain(save("b.png").parent)
    rows = capsys.readouterr().out.splitlines()[2:4]
    assert [row.split()[-1] for row in rows] == ["-", "unstable"]


def as_of_schema_1(path: Path) -> None:
    """Rewrite a summary as 0.3.0 wrote it."""
    summary = strict(path)
    del summary["schema"], summary["probability"]["predicted"]
    summary["area"] = summary.pop("areas")
    path.write_text(json.dumps(summary))


def test_a_summary_of_an_earlier_version_is_read(explain, save, out, capsys):
    photo = save("a.png")
    explain(photo, "--report")
    table, page = capsys.readouterr().out.splitlines()[:4], (out / "report.html").read_text()
    as_of_schema_1(out / "a.json")
    assert explain(photo, "--report") == 0
    told = capsys.readouterr().out
    assert "0 explained, 1 done before" in told
    assert told.splitlines()[:4] == table
    assert (out / "report.html").read_text() == page


def test_store_and_summary_say_the_same_of_an_image(explain, save, out, model, tmp_path):
    photo, place = save("a.png"), tmp_path / "masks.zarr"
    explain(photo, "--contrast", "nearest")
    fast = ["--iterations", "2", "--size", "12", "--resize", "12", "--model", f"{model}:load"]
    assert main(["explain", str(photo), *fast, "--store", str(place), "--contrast", "nearest"]) == 0
    (entry,) = MaskStore.open(place).entries()
    stored, summary = Result.of(entry), Result.read(strict(out / "a.json"))
    for name in ("target", "predicted", "look_alikes", "contrasted", "source"):
        assert getattr(stored, name) == getattr(summary, name)
    assert stored.areas == pytest.approx(summary.areas, rel=1e-5)
    for name, chance in stored.probability.items():
        assert chance == pytest.approx(summary.probability[name], rel=1e-5)
    assert stored.verdict.word == summary.verdict.word


def test_resizing_below_the_cut_is_refused(explain, save, capsys):
    assert explain(save("a.png"), "--resize", 11) == 2
    assert "Expected --resize of at least --size, 12, but got 11." in capsys.readouterr().err


def test_by_default_the_margin_that_imagenet_networks_are_trained_without_is_cut_off(save, model, out):
    photo = save("a.png", size=(16, 24))
    fast = ["--iterations", "2", "--size", "14", "--out", str(out), "--model", f"{model}:load"]
    assert main(["explain", str(photo), *fast]) == 0
    assert strict(out / "a.json")["photo"]["crop"] == [1, 5, 15, 19]


def test_what_could_not_be_read_is_named_and_ends_the_run_with_1(explain, save, out, monkeypatch, capsys):
    folder = save("open/a.png").parent.parent
    save("closed/b.png")
    save("c.png").rename(folder / "c.nef")
    os.mkfifo(folder / "pipe.png")
    scandir = os.scandir

    def refuse(place: str) -> Any:
        if Path(place).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    for place in ("--out", out), ("--store", f"{out}.store"):
        capsys.readouterr()
        options = ["--iterations", "1", "--size", "12", "--model", f"{folder.parent / 'tiny.py'}:load"]
        assert main(["explain", str(folder), *options, *map(str, place)]) == 1
        told = capsys.readouterr()
        assert "1 explained, 0 done before, 1 failed" in told.out
        assert told.err.count("1 photo left out: camera raw is not read") == 1
        assert "cannot be searched" in told.err


def test_a_pipe_given_by_name_is_refused_and_not_waited_for(explain, save, capsys):
    pipe = save("a.png").with_name("pipe.jpg")
    os.mkfifo(pipe)
    assert explain(pipe) == 1
    assert "a device or a pipe" in capsys.readouterr().err


def test_one_name_that_is_no_text_stops_no_command(explain, classify, save, out, tmp_path):
    """Bytes of an old archive that are no UTF-8, on a terminal that knows ASCII alone."""
    save("a.png")
    save("z.png")
    os.link(tmp_path / "photos" / "a.png", os.fsencode(tmp_path / "photos") + b"/caf\xe9.png")
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with contextlib.redirect_stdout(ascii_only):
        assert explain(tmp_path / "photos") == 0
    assert len(list(out.glob("*.json"))) == 3
    ascii_only.seek(0)
    assert "caf\\udce9" in ascii_only.read()
    assert explain(tmp_path / "photos", "--report") == 0
    assert classify(tmp_path / "photos") == 1
    assert (tmp_path / "results.csv").read_text(encoding="utf-8").count(".png") == 2


def test_all_is_written_before_anything_is_printed(explain, compare, save, out, monkeypatch):
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    for run, written in ((explain, "report.html"), (compare, "comparison.json")):
        with contextlib.suppress(BrokenPipeError):
            run(save("a.png"), "--report")
        assert (out / written).is_file()


def test_a_disk_that_is_full_ends_the_run_and_the_next_one_goes_on(
    explain, save, out, tmp_path, monkeypatch, capsys
):
    """It fills up at any of the six files; the next run ends as if it had not."""
    photos = [save("a.png"), save("b.png", 1)]
    assert explain(*photos, "--out", tmp_path / "undisturbed") == 0
    replace = Path.replace
    for room in range(6):
        left = iter(range(room))

        def filling(path: Path, target: Path, left: Any = left) -> Any:
            if next(left, None) is None:
                raise OSError(28, "No space left on device")
            return replace(path, target)

        place = tmp_path / f"room for {room}"
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", filling)
            capsys.readouterr()
            assert explain(*photos, "--out", place) == 2
        said = capsys.readouterr()
        assert (
            said.err.strip().splitlines()[-1].startswith("captum-scd: error: Expected to write results into")
        )
        assert not said.out
        assert len(list(place.glob("*.json"))) == room // 3
        assert not list(place.glob(".*"))
        assert explain(*photos, "--out", place) == 0
        assert f"{2 - room // 3} explained, {room // 3} done before" in capsys.readouterr().out
        for path in (tmp_path / "undisturbed").glob("*.npz"):
            one, other = FIDOMasks.load(path), FIDOMasks.load(place / path.name)
            assert torch.equal(one.joint, other.joint)
