"""A reference beside the images: what makes each like it, and it like each."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from captum_scd import FIDOMasks
from captum_scd.cli import main


@pytest.fixture
def reference(save) -> Path:
    """Beside the images, as a folder of photos has it."""
    return save("reference.png", 0)


def test_an_image_and_its_reference_give_three_files_and_a_table(
    drawn, explain, save, reference, out, capsys
):
    assert explain(save("a.png"), "--reference", reference) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.json", "a.npz", "a.png"]
    told = capsys.readouterr().out
    assert "similarity" in told.splitlines()[0]
    assert "cosine similarity to reference.png" in told
    assert Image.open(out / "a.png").width > 100


def test_the_summary_has_both_sides(explain, save, reference, out):
    photo = save("a.png", 1)
    explain(photo, "--reference", reference)
    summary, masks = json.loads((out / "a.json").read_text()), FIDOMasks.load(out / "a.npz")
    assert summary["image"] == str(photo)
    assert summary["reference"]["image"] == str(reference)
    assert len(masks) == 2
    assert masks.settings["score"] == "similarity"
    for row, side in enumerate((summary, summary["reference"])):
        assert set(side["similarity"]) == {"image", "infill", "ssr", "sdr", "both"}
        area = masks.threshold(0.5, "ssr")[row].float().mean().item()
        assert side["areas"]["ssr"] == pytest.approx(area)
        assert side["verdict"]["word"] == masks.verdict[row].word
        assert side["photo"]["size"] == [12, 12]
    thirds = torch.tensor([[60.0, 230.0, 60.0], [230.0, 60.0, 60.0]]) / 255
    seen = (thirds - torch.tensor([0.485, 0.456, 0.406]).mean()) / torch.tensor([0.229, 0.224, 0.225]).mean()
    expected = torch.nn.functional.cosine_similarity(seen[:1], seen[1:]).item()
    assert summary["similarity"]["image"] == pytest.approx(expected, abs=0.02)


def test_every_image_of_a_folder_is_explained_but_the_reference_itself(explain, save, reference, out, capsys):
    for third, name in enumerate(("a.png", "b.png")):
        save(name, third)
    assert explain(reference.parent, "--reference", reference) == 0
    assert sorted(path.name for path in out.glob("*.json")) == ["a.json", "b.json"]
    assert "2 explained, 0 done before" in capsys.readouterr().out
    assert explain(reference.parent, "--reference", reference) == 0
    assert "0 explained, 2 done before" in capsys.readouterr().out


def test_another_reference_is_another_question(explain, save, reference, capsys):
    photo = save("a.png")
    explain(photo, "--reference", reference)
    explain(photo, "--reference", save("other/other.png", 2))
    assert "1 explained, 0 done before" in capsys.readouterr().out.splitlines()[-1]


def test_infill_and_settings_reach_the_masks(explain, save, reference, out):
    explain(save("a.png"), "--reference", reference, "--infill", "mean", "--seed", 3, "--mask-size", 6)
    settings = json.loads((out / "a.json").read_text())["settings"]
    assert (settings["infill"], settings["seed"], settings["mask_size"]) == ("mean", 3, 6)


REFUSED = [
    (["--target", "1"], "Expected --target without --reference, but got both."),
    (["--contrast", "1"], "Expected --contrast without"),
    (["--classes", "names.txt"], "Expected --classes without"),
    (["--score", "prob"], "Expected --score without"),
    (["--report"], "Expected --report without"),
    (["--alternatives", "1"], "Expected --alternatives without"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_is_asked_of_classes_is_refused(explain, save, reference, out, arguments, message, capsys):
    assert explain(save("a.png"), "--reference", reference, *arguments) == 2
    stderr = capsys.readouterr().err
    assert message in stderr
    assert stderr.count("\n") == 1
    assert not out.exists()


def test_a_store_is_refused(save, reference, model, tmp_path, capsys):
    line = [
        "explain",
        save("a.png"),
        "--reference",
        reference,
        "--store",
        tmp_path,
        "--model",
        f"{model}:load",
    ]
    assert main([str(word) for word in line]) == 2
    assert "Expected --store without --reference" in capsys.readouterr().err


def test_a_reference_that_is_no_image_is_refused(explain, save, reference, tmp_path, capsys):
    (tmp_path / "text.png").write_text("no image")
    for place in (tmp_path / "text.png", tmp_path / "nowhere.png"):
        assert explain(save("a.png"), "--reference", place) == 2
        assert "Expected --reference to be an image" in capsys.readouterr().err
    assert explain(reference, "--reference", reference) == 2
    assert "found that one only" in capsys.readouterr().err


def test_a_network_without_embeddings_is_refused(explain, save, reference, capsys):
    assert explain(save("a.png"), "--reference", reference, attribute="Bad") == 2
    assert "Expected the model to return embeddings, but got list" in capsys.readouterr().err
