"""Networks as they are on the command line: one logit as two classes, and logits that have a name."""

import csv
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from captum_scd import MaskStore
from captum_scd.cli import main
from captum_scd.cli.explain_store import _loaded
from captum_scd.cli.networks.loading import load_model
from captum_scd.models import logits_of


def summary(out: Path, name: str = "a") -> dict[str, Any]:
    return json.loads((out / f"{name}.json").read_text())


@pytest.fixture
def names(tmp_path: Path) -> Path:
    path = tmp_path / "names.txt"
    path.write_text("no bird\nbird\n")
    return path


@pytest.mark.parametrize(("third", "predicted"), [(0, "bird"), (2, "no bird")])
def test_yes_and_no_have_names_and_probabilities(explain, save, out, names, third, predicted, model):
    assert explain(save("a.png", third), "--classes", names, attribute="One") == 0
    told = summary(out)
    assert told["predicted"]["name"] == told["target"]["name"] == predicted
    chances = told["probability"]
    assert chances["image"] == chances["predicted"] > 0.9


@pytest.mark.parametrize("target", ["0", "no bird"])
def test_it_can_be_asked_why_not(explain, save, out, names, target):
    assert explain(save("a.png", 0), "--classes", names, "--target", target, attribute="One") == 0
    told = summary(out)
    assert (told["target"]["index"], told["predicted"]["index"]) == (0, 1)
    assert told["probability"]["image"] == pytest.approx(1 - told["probability"]["predicted"], abs=1e-5)


@pytest.mark.parametrize(
    ("given", "expected"), [(None, ("absent", "present")), ("bird\n", ("not bird", "bird"))]
)
def test_names_that_are_not_given_are_made(explain, save, out, tmp_path, given, expected):
    arguments = []
    if given is not None:
        (tmp_path / "names.txt").write_text(given)
        arguments = ["--classes", tmp_path / "names.txt"]
    assert explain(save("a.png", 2), *arguments, "--target", expected[1], attribute="One") == 0
    told = summary(out)
    assert (told["predicted"]["name"], told["target"]["name"]) == expected


def test_a_contrast_of_both_and_three_names_too_many(explain, save, names, capsys):
    assert explain(save("a.png"), "--classes", names, "--contrast", "no bird", attribute="One") == 0
    names.write_text("a\nb\nc\n")
    assert explain(save("a.png"), "--classes", names, "--overwrite", attribute="One") == 2
    assert "each of the model's 2 outputs, but got 3" in capsys.readouterr().err


def test_the_other_commands_see_two_classes_too(compare, classify, save, out, tmp_path, names):
    image = save("a.png", 2)
    assert compare(image, "--classes", names, attribute="One") == 0
    told = json.loads((out / "a.compare.json").read_text())
    assert told["predicted"]["name"] == "no bird"
    assert classify(image, "--classes", names, attribute="One") == 0
    (row,) = csv.DictReader((tmp_path / "results.csv").read_text().splitlines())
    assert row["before_name"] == "no bird"
    assert float(row["before_probability"]) == pytest.approx(told["predicted"]["probability"], abs=1e-5)


def test_a_store_keeps_both_classes(save, model, tmp_path):
    save("a.png", 2)
    fast = ["--iterations", "2", "--size", "12", "--resize", "12", "--mask-size", "4"]
    spec = ["--model", f"{model}:One", "--store", str(tmp_path / "s.zarr")]
    assert main(["explain", str(tmp_path / "photos"), *fast, *spec]) == 0
    store = MaskStore.open(tmp_path / "s.zarr")
    assert store.identity["classes"] == ["absent", "present"]
    assert store.entry("a.png").predicted == 0
    assert store.entry("a.png").probability["image"] > 0.9


def test_workers_load_what_is_explained_here(model):
    x = torch.rand(2, 3, 12, 12)
    plain = load_model(f"{model}:One")
    torch.testing.assert_close(_loaded(f"{model}:One", True)(x), logits_of(plain, output="binary")(x))
    torch.testing.assert_close(_loaded(f"{model}:One", False)(x), plain(x))


def test_a_warning_is_a_line_without_a_place(explain, save, monkeypatch):
    said = []
    monkeypatch.setattr(warnings, "showwarning", lambda *what: said.append(warnings.formatwarning(*what)))
    usual = warnings.formatwarning
    explain(save("a.png"), attribute="Sure")
    (line,) = [text for text in said if "logits_of" in text]
    assert line.strip().startswith("captum-scd: warning: The model's output is between 0 and 1")
    assert line.count("\n") == 1
    assert warnings.formatwarning is usual


def test_a_sigmoid_is_warned_of_and_a_logit_is_not(explain, save):
    with pytest.warns(UserWarning, match='output="probabilities"') as caught:
        explain(save("a.png"), attribute="Sure")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert explain(save("a.png"), attribute="One") == 0


@pytest.mark.parametrize("command", ["explain", "compare", "classify"])
def test_logits_with_a_name_are_taken(command, request, save, out, tmp_path):
    run, image = request.getfixturevalue(command), save("a.png", 1)
    assert run(image, attribute="Named") == 0
    if command == "explain":
        named = summary(out)
        assert run(image, "--overwrite", attribute="load") == 0
        plain = summary(out)
        assert named["probability"] == plain["probability"]
        assert named["passes"] == plain["passes"] > 0
