"""`explain --report`: one page about what lies in the output folder."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pages import Page, decoded
from PIL import Image

from captum_scd import FIDOMasks
from captum_scd.pages import writing
from captum_scd.report import is_page
from captum_scd.runs import job as jobs
from captum_scd.verdict import MEANINGS


@pytest.fixture
def told(out: Path) -> Any:
    """Read the page: its heading, images and failures."""

    def read() -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        page = Page((out / "report.html").read_text(encoding="ascii"))
        return page.blocks("report")[0], page.blocks("facts"), page.blocks("failure")

    return read


def test_the_page_says_what_the_summary_says(explain, save, out, told, capsys, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("Finch\nRobin\nWren")
    photo = save("a.png", 0, (24, 12))
    assert explain(photo, "--classes", names, "--contrast", "Robin", "--report") == 0
    assert f"report in {out / 'report.html'}" in capsys.readouterr().out
    summary = json.loads((out / "a.json").read_text())
    heading, (image,), failures = told()
    numbers = dict(zip([column["title"] for column in heading["columns"]], image["numbers"], strict=True))
    chances, areas, verdict = summary["probability"], summary["areas"], summary["verdict"]
    assert numbers == {
        "probability": chances["image"],
        "SSR keeps": chances["ssr"],
        "SSR keeps, relative": pytest.approx(min(1, chances["ssr"] / chances["image"])),
        "SSR area": areas["ssr"],
        "SDR leaves": chances["sdr"],
        "SDR leaves, relative": pytest.approx(min(1, chances["sdr"] / chances["image"])),
        "SDR area": areas["sdr"],
        "trusted": float(verdict["trusted"]),
        "infill": pytest.approx(verdict["infill_alone"]),
        "SSR keeps, other infill": pytest.approx(verdict["second_infill"]),
        "SSR agreement": pytest.approx(verdict["agreement"]),
    }
    assert (image["name"], image["label"]) == ("a", "Finch")
    assert (image["facts"]["explained"], image["facts"]["and not"]) == ("Finch", "Robin")
    assert (image["facts"]["photo"], image["facts"]["file"]) == ("24 x 12 pixels, 50% seen", str(photo))
    assert failures == []


def test_verdicts_can_be_read_found_and_sorted_by(explain, save, told, judge, verdict):
    judge(verdict(second_infill=0.3, agreement=float("nan")), verdict())
    save("a.png")
    explain(save("b.png").parent, "--report")
    heading, (bad, good), _ = told()
    titles = [column["title"] for column in heading["columns"]]
    assert bad["facts"]["verdict"] == "doubtful: under another infill the region keeps 30 %"
    assert bad["doubts"] == [bad["facts"]["verdict"]]
    assert good["facts"]["verdict"] == "trustworthy: the region keeps 97 %, the rest 3 %"
    assert good["doubts"] == []
    names = ("trusted", "infill", "SSR keeps, other infill", "SSR agreement")
    numbers = [[image["numbers"][titles.index(name)] for name in names] for image in (bad, good)]
    assert numbers == [[0, 0.01, 0.3, None], [1, 0.01, 0.9, 0.8]]
    assert "trustworthy, doubtful" in heading["guide"]["Verdict"]
    assert heading["notes"] == [f"Look twice: in 1 of 2 doubtful: {MEANINGS['doubtful']}."]


def test_a_page_of_what_is_not_judged_is_as_before(explain, save, told, judge):
    judge(None)
    explain(save("a.png"), "--report")
    heading, (image,), _ = told()
    assert "trusted" not in [column["title"] for column in heading["columns"]]
    assert "Verdict" not in heading["guide"]
    assert "verdict" not in image["facts"]


def test_the_maps_are_those_of_the_masks_file(explain, save, out):
    explain(save("a.png"), "--report", "--mask-size", 5)
    masks = FIDOMasks.load(out / "a.npz")
    (pixels,) = Page((out / "report.html").read_text()).blocks("pixels")
    joint, ssr, sdr = pixels["maps"]
    assert joint == {"name": "Joint", "of": ["SSR", "SDR"]}
    for one, cells in ((ssr, masks.ssr_cells), (sdr, masks.sdr_cells)):
        assert (decoded(one) - cells[0, 0]).abs().max() < 0.6 / 255
    assert pixels["infill"]


def test_settings_command_and_versions_are_told(explain, save, model, told):
    explain(save("my photo.png"), "--report", "--seed", 3)
    heading, _, _ = told()
    run, learning, versions = (heading["settings"][name] for name in ("Run", "Learning", "Versions"))
    assert run["command"].startswith("captum-scd explain --iterations 2")
    assert "'" in run["command"].split("my photo.png")[1]
    assert run["model"] == f"{model}:load"
    assert len(run["weights_sha256"]) == 64
    assert (learning["n_iterations"], learning["seed"]) == ("2", "3")
    assert learning["infill"] == '["blur", "mean"]'
    assert versions["torch"] == torch.__version__


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ([], "Which pixels decide?"),
        (["--target", 2], "Why class 2?"),
        (["--target", 2, "--contrast", 1], "Why class 2, and not for class 1?"),
        (["--contrast", "nearest"], "Which pixels decide, and not for its nearest classes?"),
    ],
)
def test_the_question_is_the_title(explain, save, out, options, title):
    explain(save("a.png"), "--report", *options)
    assert Page((out / "report.html").read_text()).all("h1")[0][1] == title


def test_broken_images_are_listed_with_their_reasons(explain, save, told):
    folder = save("whole.png").parent
    (folder / "text.jpg").write_text("no image")
    assert explain(folder, "--report") == 1
    heading, images, (failure,) = told()
    assert [image["name"] for image in images] == ["whole"]
    assert failure["name"] == str(folder / "text.jpg")
    assert "it cannot be read" in failure["reason"]
    assert "broken off" not in "".join(heading["notes"])


def test_nothing_but_broken_images_gives_a_page_too(explain, tmp_path, told):
    (tmp_path / "x.png").write_bytes(b"\x89PNG")
    assert explain(tmp_path / "x.png", "--report") == 1
    _, images, failures = told()
    assert (len(images), len(failures)) == (0, 1)


def test_results_of_earlier_runs_are_shown_and_not_made_again(explain, save, out, told):
    folder = save("a.png").parent
    save("sub/b.png", 2)
    explain(folder)
    assert not (out / "report.html").exists()
    before = (out / "a.npz").stat().st_mtime_ns
    assert explain(folder, "--report") == 0
    assert (out / "a.npz").stat().st_mtime_ns == before
    assert [image["name"] for image in told()[1]] == ["a", "sub/b"]


def test_only_the_images_of_the_run_are_shown(explain, save, told):
    explain(save("a.png"))
    explain(save("b.png"), "--report")
    assert [image["name"] for image in told()[1]] == ["b"]


def test_an_interrupted_run_leaves_a_page_of_what_is_done(explain, save, out, monkeypatch, told, capsys):
    for name in ("a.png", "b.png", "c.png"):
        folder = save(name).parent
    read = jobs.read

    def interrupted(path: Path) -> Any:
        if path.name == "b.png":
            raise KeyboardInterrupt
        return read(path)

    monkeypatch.setattr(jobs, "read", interrupted)
    assert explain(folder, "--report") == 130
    heading, images, failures = told()
    assert [image["name"] for image in images] == ["a"]
    assert failures == []
    assert heading["notes"][0] == "The run was broken off; 2 of 3 images are not explained yet."
    assert "report in" in capsys.readouterr().out
    assert [path.suffix for path in sorted(out.iterdir())] == [".json", ".npz", ".png", ".html"]


def test_masks_in_doubt_are_marked(explain, save, out, told, judge):
    judge(None)
    photo = save("a.png")
    explain(photo)
    summary = json.loads((out / "a.json").read_text())
    summary["probability"].update(image=0.8, ssr=0.1, sdr=0.7, infill=0.0)
    (out / "a.json").write_text(json.dumps(summary))
    explain(photo, "--report")
    heading, (image,), _ = told()
    assert image["doubts"] == [
        "the SSR keeps less than half of the probability",
        "the SDR leaves more than half of the probability",
    ]
    assert "Look twice: in 1 of 1 the SSR keeps less than half of the probability." in heading["notes"]


@pytest.mark.parametrize(("whole", "share"), [(0.0, None), (1e-12, 1.0), (0.4, 0.25), (0.1, 1.0)])
def test_shares_of_a_probability_stay_below_1(explain, save, out, told, whole, share):
    photo = save("a.png")
    explain(photo)
    summary = json.loads((out / "a.json").read_text())
    summary["probability"].update(image=whole, ssr=0.1, sdr=0.1)
    (out / "a.json").write_text(json.dumps(summary))
    explain(photo, "--report")
    _, (image,), _ = told()
    assert (image["numbers"][2], image["numbers"][5]) == (share, share)


@pytest.mark.parametrize("damage", ["cut", "not a number"])
def test_results_that_cannot_be_read_back_are_listed(explain, save, out, told, damage):
    photo = save("a.png")
    save("b.png")
    explain(photo.parent)
    masks = FIDOMasks.load(out / "a.npz")
    if damage == "cut":
        (out / "a.npz").write_bytes((out / "a.npz").read_bytes()[:200])
    else:
        masks.ssr_cells[0, 0, 0, 0] = float("nan")
        masks.save(out / "a.npz")
    assert explain(photo.parent, "--report") == 0
    _, images, (failure,) = told()
    assert [image["name"] for image in images] == ["b"]
    assert failure["name"] == str(photo)
    assert failure["reason"].startswith("it is explained, but cannot be shown: ValueError: Expected")


def test_names_stay_names(explain, save, out, told):
    nasty = "<img src=x onerror=alert(1)>&amp;'\"\u2028\U0001f98b.png"
    explain(save(nasty), "--report")
    page = Page((out / "report.html").read_text(encoding="ascii"))
    assert told()[1][0]["name"] == nasty.removesuffix(".png")
    assert not page.all("img")


def test_a_file_of_another_origin_is_not_written_over(explain, save, out, capsys):
    out.mkdir()
    (out / "report.html").write_text("my garden")
    assert explain(save("a.png"), "--report") == 2
    assert "to be a page of an earlier run" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["report.html"]
    assert (out / "report.html").read_text() == "my garden"


def test_a_page_of_an_earlier_run_is_replaced(explain, save, out, told):
    explain(save("a.png"), "--report")
    explain(save("b.png"), "--report")
    assert is_page(out / "report.html")
    assert [image["name"] for image in told()[1]] == ["b"]


def test_a_full_disk_leaves_the_old_page(explain, save, out, monkeypatch, capsys):
    explain(save("a.png"), "--report")
    before = (out / "report.html").read_bytes()

    def full(*arguments: object) -> Any:
        yield "<!doctype html>"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "render", full)
    assert explain(save("b.png"), "--report") == 2
    assert "Expected to write" in (stderr := capsys.readouterr().err)
    assert "No space left on device" in stderr
    assert (out / "report.html").read_bytes() == before
    assert not list(out.glob(".*"))


def test_the_page_lies_beside_photos_without_harm(explain, save):
    photo = save("a.png")
    for _ in range(2):
        assert explain(photo.parent, "--out", photo.parent, "--report") == 0
    assert (photo.parent / "report.html").is_file()
    assert Image.open(photo).size == (12, 12)


def test_settings_of_the_run_are_told_and_those_of_an_image_with_it(explain, save, told):
    explain(save("a.png", 1), "--report", "--contrast", "nearest")
    heading, (image,), _ = told()
    assert heading["settings"]["Learning"]["score"] == "contrast"
    assert not {"target", "contrast_target"} & set(heading["settings"]["Learning"])
    assert image["facts"]["and not"] in ("class 0 or class 2", "class 2 or class 0")
