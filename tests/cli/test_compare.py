"""Images in, methods side by side out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import Saliency
from pages import Page, decoded
from PIL import Image
from torch import Tensor, nn

from captum_scd import FIDOAttribution, metrics
from captum_scd.cli import compare as compare_command
from captum_scd.cli import main
from captum_scd.comparison import DEFAULT_MEASURES, MEASURES
from captum_scd.comparison.methods import DEFAULT_METHODS_OF_TOKENS
from captum_scd.pages.compared import colored
from captum_scd.runs import job as jobs
from captum_scd.runs import means
from captum_scd.runs.map_archive import MapArchive
from captum_scd.verdict import Verdict
from captum_scd.visualization import comparison as comparison_panels
from captum_scd.visualization import comparison_figure


def loaded(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.compare.*")}


def values(summary: dict[str, Any], method: str) -> dict[str, float]:
    found = summary["comparison"]["methods"][method]["values"]
    return {name: value for name, (value,) in found.items()}


def test_one_image_gives_three_files_and_two_about_all(drawn, compare, save, out, capsys):
    assert compare(save("left.png")) == 0
    names = {f"left.compare.{suffix}" for suffix in ("png", "npz", "json")}
    assert {path.name for path in out.iterdir()} == names | {"comparison.md", "comparison.json"}
    head, rule, *rest = capsys.readouterr().out.splitlines()
    assert head.split()[:5] == ["method", "insertion", "↑", "deletion", "↓"]
    assert set(rule) == {"-", " "}
    assert [line.split()[0] for line in rest[:2]] == ["Saliency", "Random"]
    assert "1 compared, 0 done before, 0 failed" in rest[-1]
    markdown = (out / "comparison.md").read_text(encoding="utf-8")
    assert markdown.startswith("| method | insertion ↑ |")
    assert Image.open(out / "left.compare.png").width > 100


@pytest.mark.parametrize("third", [0, 1, 2])
def test_maps_and_values_are_those_of_the_method(compare, save, out, third):
    compare(save("a.png", third))
    summary = loaded(out / "a.compare.json")
    saliency = MapArchive.load(out / "a.compare.npz").maps["saliency"]
    inside = torch.zeros(12, 12)
    inside[:, 4 * third : 4 * third + 4] = 1  # the gradient of a mean over a third is flat there
    assert torch.equal(saliency, inside)
    found = values(summary, "saliency")
    assert summary["predicted"]["index"] == summary["target"]["index"] == third
    assert found["difference"] == pytest.approx(found["insertion"] - found["deletion"], abs=1e-6)
    assert found["total_variation"] == pytest.approx(metrics.total_variation(inside[None, None]).item())
    assert found["insertion"] > values(summary, "random")["insertion"]


def test_probability_is_of_the_class_that_was_asked_about(compare, save, out, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("Finch\nRobin\nWren")
    compare(save("a.png", 0), "--classes", names, "--target", "wren")
    summary = loaded(out / "a.compare.json")
    assert (summary["predicted"]["name"], summary["target"]["name"]) == ("Finch", "Wren")
    pixels = torch.tensor([230.0, 60.0, 60.0]).view(3, 1) / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    chances = (4 * ((pixels - mean) / std).mean(1)).softmax(0)
    assert summary["predicted"]["probability"] == pytest.approx(chances[0].item(), rel=1e-4)
    assert summary["target"]["probability"] == pytest.approx(chances[2].item(), rel=1e-4)


def test_the_table_is_of_means_over_the_images(compare, save, out):
    save("a.png", 0)
    compare(save("sub/b.png", 2).parent.parent)
    record = loaded(out / "comparison.json")
    summaries = [loaded(out / f"{name}.compare.json") for name in ("a", "sub/b")]
    for method, metric in [("saliency", "difference"), ("random", "total_variation")]:
        both = [values(summary, method)[metric] for summary in summaries]
        assert record["methods"][method]["means"][metric] == pytest.approx(sum(both) / 2, rel=1e-5)
    assert list(record["images"]) == ["a.compare", "sub/b.compare"]
    assert record["images"]["a.compare"]["values"]["random"] == values(summaries[0], "random")


def test_a_transformer_is_compared_by_its_attention_with_fidos_verdict(save, out, tmp_path, capsys):
    own = tmp_path / "own.py"
    own.write_text(
        "from architectures import Tokens, settled\n\n\ndef load():\n    return settled(Tokens())\n"
    )
    options = ["--size", "12", "--resize", "12", "--iterations", "2"]
    command = ["compare", save("a.png"), "--model", f"{own}:load", "--out", out, *options]
    assert main([str(part) for part in command]) == 0
    methods = loaded(out / "a.compare.json")["comparison"]["methods"]
    assert list(methods) == list(DEFAULT_METHODS_OF_TOKENS)
    line = Verdict.from_dict(methods["fido"]["verdicts"][0]).line
    assert f"note: FIDO: verdict: {line}" in capsys.readouterr().out
    assert f"FIDO: verdict: {line}" in (out / "comparison.md").read_text()


def test_a_method_without_a_meaning_is_a_line_that_says_why(compare, save, out, capsys):
    assert compare(save("a.png"), "--methods", "random,gradcam") == 0
    stdout = capsys.readouterr().out
    assert "note: GradCAM: left out: " in stdout
    (line,) = (line for line in stdout.splitlines() if line.startswith("GradCAM"))
    assert set(line.split()[1:]) == {"-"}
    assert loaded(out / "comparison.json")["methods"]["gradcam"]["status"] == "left out"
    assert "- GradCAM: left out: " in (out / "comparison.md").read_text()


def test_an_image_without_any_map_is_named(compare, save, out, capsys):
    assert compare(save("a.png"), "--methods", "gradcam") == 1
    captured = capsys.readouterr()
    assert "not compared: " in captured.err
    assert "no method gave a map (GradCAM: left out: " in captured.err
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(("attribute", "reason"), [("Picky", "too bright for me"), ("Poisoned", "NaN")])
def test_broken_images_are_named_and_the_rest_goes_on(compare, save, out, attribute, reason, capsys):
    bright = save("bright.png")
    Image.new("RGB", (12, 12), "white").save(bright)
    save("usual.png")
    (bright.parent / "text.jpg").write_text("no image")
    assert compare(bright.parent, attribute=attribute) == 1
    stderr = capsys.readouterr().err
    assert reason in stderr
    assert f"not compared: {bright.parent / 'text.jpg'}: it cannot be read" in stderr
    record = loaded(out / "comparison.json")
    assert (list(record["images"]), len(record["failed"])) == (["usual.compare"], 2)


def test_second_run_skips_what_is_done_and_shows_it(compare, save, out, capsys):
    folder = save("a.png").parent
    compare(folder)
    before = times(out)
    save("b.png", 1)
    assert compare(folder) == 0
    assert before.items() <= times(out).items()
    assert "1 compared, 1 done before" in capsys.readouterr().out
    assert len(loaded(out / "comparison.json")["images"]) == 2


CHANGES = [
    ("--methods", "random"), ("--metrics", "insertion"), ("--seed", "1"), ("--target", "1"),
    ("--infill", "mean"), ("--size", "9"), ("--overwrite",),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[0])
def test_another_request_is_done_anew(compare, save, out, change):
    photo = save("a.png")
    compare(photo)
    before = times(out)
    assert compare(photo, *change) == 0
    assert all(time > before[name] for name, time in times(out).items())


@pytest.mark.parametrize("change", ["pixels", "archive"])
def test_another_image_or_a_lost_file_is_done_anew(compare, save, out, change):
    photo = save("a.png")
    compare(photo)
    before = times(out)
    if change == "pixels":
        save("a.png", 2)
    else:
        (out / "a.compare.npz").unlink()
    compare(photo)
    assert times(out)["a.compare.json"] > before["a.compare.json"]


def test_results_of_explain_stay(compare, explain, save, out):
    photo = save("a.png")
    explain(photo)
    before = {path: path.read_bytes() for path in out.iterdir()}
    compare(photo)
    assert {path: path.read_bytes() for path in before} == before


def test_fido_gets_its_settings_and_all_get_seed_and_infill(compare, save, out, monkeypatch):
    seen: dict[str, Any] = {}
    attribute = FIDOAttribution.attribute

    def spy(self: Any, *arguments: Any, **options: Any) -> Any:
        seen.update(options, score=self.score)
        return attribute(self, *arguments, **options)

    monkeypatch.setattr(FIDOAttribution, "attribute", spy)
    options = [
        "--iterations",
        2,
        "--samples",
        4,
        "--mask-size",
        3,
        "--seed",
        7,
        "--infill",
        "mean",
        "--score",
        "prob",
    ]
    compare(save("a.png"), "--methods", "fido,random", *options, "--metrics", "total_variation")
    assert (seen["n_iterations"], seen["n_samples"], seen["mask_size"], seen["seed"]) == (2, 4, 3, 7)
    assert seen["score"] == "prob"
    assert loaded(out / "a.compare.json")["comparison"]["methods"]["fido"]["label"] == "FIDO"
    baselines: Tensor = seen["baselines"]
    assert (baselines.amax((2, 3)) - baselines.amin((2, 3))).max() < 1e-5
    assert loaded(out / "a.compare.json")["comparison"]["seed"] == 7


@pytest.mark.parametrize("place", ["between", "within"])
def test_an_interrupted_run_leaves_what_is_done_and_goes_on(compare, save, out, monkeypatch, place, capsys):
    for name in ("a.png", "b.png", "c.png"):
        folder = save(name).parent
    calls: list[object] = []
    owner, method = (jobs, "read") if place == "between" else (Saliency, "attribute")
    usual = getattr(owner, method)

    def pressed(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return usual(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, method, pressed)
        assert compare(folder, "--methods", "random,saliency", "--report") == 130
    captured = capsys.readouterr()
    assert "interrupted: 1 of 3 images are done" in captured.err
    assert "Warning" not in captured.err
    assert [path.name for path in out.glob("*.compare.json")] == ["a.compare.json"]
    heading = Page((out / "comparison.html").read_text()).blocks("report")[0]
    assert heading["notes"][0] == "The run was broken off; 2 of 3 images are not compared yet."
    assert len(loaded(out / "comparison.json")["images"]) == 1
    assert compare(folder, "--methods", "random,saliency") == 0
    assert "2 compared, 1 done before" in capsys.readouterr().out


def test_the_page_shows_what_the_files_say(compare, save, out, capsys):
    save("b.png", 1)
    assert compare(save("a.png").parent, "--methods", "random,saliency,gradcam", "--report") == 0
    assert f"report in {out / 'comparison.html'}" in capsys.readouterr().out
    page = Page((out / "comparison.html").read_text(encoding="ascii"))
    heading, images, pixels = page.blocks("report")[0], page.blocks("facts"), page.blocks("pixels")
    assert [image["name"] for image in images] == ["a", "b"]
    summary, archive = loaded(out / "a.compare.json"), MapArchive.load(out / "a.compare.npz")
    titles = [column["title"] for column in heading["columns"]]
    numbers = dict(zip(titles, images[0]["numbers"], strict=True))
    assert numbers["probability"] == summary["target"]["probability"]
    assert numbers["Saliency keeps 90 %"] == values(summary, "saliency")["sufficient_area"]
    assert numbers["GradCAM insertion"] is None
    assert len(titles) == 1 + 3 * len(DEFAULT_MEASURES)
    assert [one["name"] for one in pixels[0]["maps"]] == ["Random", "Saliency"]
    for shown, kept in zip(pixels[0]["maps"], archive.maps.values(), strict=True):
        assert (decoded(shown) - colored(kept)).abs().max() < 0.6 / 255
    assert pixels[0]["infill"]
    assert images[0]["doubts"] == ["GradCAM left out"]
    assert heading["notes"] == ["GradCAM left out on 2 of 2 images."]
    assert {"s/image", "forwards"} < set(heading["settings"]["Saliency"])
    assert set(heading["settings"]["GradCAM"]) == {"note"}


def test_a_page_of_nothing_but_failures(compare, tmp_path, out):
    (tmp_path / "x.png").write_bytes(b"\x89PNG")
    assert compare(tmp_path / "x.png", "--report") == 1
    page = Page((out / "comparison.html").read_text())
    assert (len(page.blocks("facts")), len(page.blocks("failure"))) == (0, 1)


def test_damaged_maps_are_listed_on_the_page(compare, save, out):
    photo = save("a.png")
    compare(photo)
    path = out / "a.compare.npz"
    path.write_bytes(path.read_bytes()[:100])
    compare(photo, "--report")
    (failure,) = Page((out / "comparison.html").read_text()).blocks("failure")
    assert failure["reason"].startswith("it is compared, but cannot be shown: ValueError: Expected")


ERRORS = [
    (["--methods", "random,paint"], "Expected each method to be one of 'fido', "),
    (["--methods", "random,random"], "Expected each method once, but 'random' comes twice."),
    (["--methods", ""], "but got ''"),
    (["--metrics", "beauty"], "Expected each metric to be one of 'insertion', "),
    (["--iterations", "3"], "Expected 'fido' among --methods where --iterations are given"),
    (["--score", "prob"], "Expected 'fido' among --methods where --score are given"),
    (["--infill", "paint"], "Expected `infill` to be one of 'blur'"),
    (["--target", "5"], "Expected --target to be a class number from 0 to 2"),
    (["--resize", "11"], "Expected --resize of at least --size"),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_impossible_questions_are_one_line(compare, save, out, arguments, message, capsys):
    assert compare(save("a.png"), *arguments) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("captum-scd: error: ")
    assert stderr.count("\n") == 1
    assert message in stderr
    assert not out.exists()


@pytest.mark.parametrize(("attribute", "message"), [("Flat", "no gradient"), ("Bad", "but got list")])
def test_unfit_networks_are_refused(compare, save, attribute, message, capsys):
    assert compare(save("a.png"), attribute=attribute) == 2
    assert message in capsys.readouterr().err


def test_a_full_disk_is_one_line(compare, save, out, monkeypatch, capsys):
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(means, "write", full)
        assert compare(save("a.png")) == 2
    monkeypatch.setattr(MapArchive, "save", full)
    assert compare(save("a.png"), "--overwrite") == 2
    assert capsys.readouterr().err.count("Expected to write results into") == 2
    assert not (out / "a.compare.json").exists()


def test_maps_keep_their_order_in_half_precision_whatever_their_scale(tmp_path):
    values = torch.linspace(-1, 1, 35).view(5, 7)
    maps = {"large": values * 1e30, "small": values * 1e-30, "file": torch.zeros(5, 7)}
    infill = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(0))
    MapArchive(maps, infill).save(tmp_path / "a.npz")
    again = MapArchive.load(tmp_path / "a.npz")
    for name in ("large", "small"):
        assert torch.equal(again.maps[name].flatten().argsort(), torch.arange(35))
        assert (again.maps[name] - values).abs().max() < 1e-3
    assert not again.maps["file"].any()
    assert (again.infill - infill).abs().max() < 0.51 / 255
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize(
    "arrays",
    [
        {"weights": np.zeros(3)},
        {"infill": np.zeros((1, 4, 4), "u1")},
        {"infill": np.zeros((3, 4, 4), "u1"), "map.a": np.zeros(4)},
        {"infill": np.zeros((3, 4, 4), "u1"), "map.a": np.array(["a"])},
    ],
    ids=["another archive", "grey infill", "row", "words"],
)
def test_an_archive_of_other_things_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match="to be an archive of maps"):
        MapArchive.load(tmp_path / "a.npz")


@pytest.mark.parametrize("size", [(12, 10), (128, 192)])
def test_the_page_and_the_figure_show_a_map_on_one_scale(monkeypatch, size):
    values = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0)) ** 5 - 0.1
    drawn = []
    tinted = comparison_panels.tinted
    monkeypatch.setattr(
        comparison_panels, "tinted", lambda image, colors: drawn.append(colors) or tinted(image, colors)
    )
    comparison_figure(torch.rand(1, 3, *size), {"M": values})[0].canvas.draw()
    cells = colored(values[0, 0])
    assert cells.shape == (min(64, size[0]), min(64, size[1]))
    expected = nn.functional.interpolate(drawn[0][None], size=tuple(cells.shape), mode="area")
    torch.testing.assert_close(cells, expected[0, 0])
    assert torch.equal(colored(torch.zeros(3, 4)), torch.zeros(3, 4))


def summary(status: str, value: float | None = None, note: str = "", seconds: float = 1.0) -> dict[str, Any]:
    done = status == "done"
    row = {
        "label": "M",
        "status": status,
        "note": note,
        "values": {"insertion": [value]} if done else {},
        "seconds": seconds if done else None,
        "forward": 4.0 if done else None,
        "backward": None,
        "peak_mb": seconds if done else None,
    }
    return {"comparison": {"methods": {"m": row}}}


def test_means_are_over_the_images_a_method_is_done_on_and_the_rest_is_said():
    row = means.pooled(
        [
            summary("done", 0.5, "layer 'a'", seconds=1),
            summary("done", 0.25, "layer 'a'", seconds=3),
            summary("done", None, "layer 'a'", seconds=2),
            summary("failed", note="RuntimeError: memory"),
        ]
    )["m"]
    assert row.status == "done"
    assert row.values["insertion"].tolist() == [0.5, 0.25]
    assert row.note == "layer 'a' (on 3 of 4 images); failed: RuntimeError: memory (on 1 of 4 images)"
    assert row.cost is not None
    assert (row.cost.seconds, row.cost.forward, row.cost.backward) == (2.0, 4.0, None)
    assert row.cost.peak_bytes == 3 * 2**20


def test_a_method_that_is_done_nowhere_stays_what_it_is():
    row = means.pooled([summary("failed", note="ValueError: no")] * 2)["m"]
    assert (row.status, row.note, row.values, row.cost) == ("failed", "ValueError: no", {}, None)


def test_every_metric_says_what_it_is():
    assert all(measure.note for measure in MEASURES.values())


def test_pages_of_explain_and_compare_may_lie_in_one_folder(compare, save, out, model):
    photo = save("a.png")
    assert compare(photo, "--methods", "random", "--report") == 0
    fast = [
        "--size",
        "12",
        "--resize",
        "12",
        "--iterations",
        "2",
        "--out",
        str(out),
        "--model",
        f"{model}:load",
    ]
    assert main(["explain", str(photo), "--model", f"{model}:load", *fast, "--report"]) == 0
    assert {path.name for path in out.glob("*.html")} == {"comparison.html", "report.html"}


def test_the_network_is_asked_once_about_the_whole_image(compare, save, monkeypatch):
    asked = []

    def watched(options):
        subject = build(options)
        subject.model.register_forward_hook(lambda module, given, output: asked.append(len(output)))
        return subject

    build = compare_command.load_subject
    monkeypatch.setattr(compare_command, "load_subject", watched)
    assert compare(save("a.png"), "--methods", "random", "--metrics", "total_variation") == 0
    assert asked == [1]
