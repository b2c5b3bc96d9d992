"""What networks say of their inputs, what is assumed, and that options win."""

import argparse
import json
from typing import Any

import pytest
import torch
from torch import nn

from captum_scd._errors import UsageError
from captum_scd.cli.networks.stated import Stated, said_by
from captum_scd.cli.read_options import normalization, preparation
from captum_scd.photos.preparing import ASSUMED, Preparation

NUMBERS = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


def saying(**attributes: Any) -> nn.Module:
    network = nn.Identity()
    for name, value in attributes.items():
        setattr(network, name, value)
    return network


CONFIGURATION = {"input_size": (3, 20, 20), "crop_pct": 0.8, "mean": NUMBERS[0], "std": NUMBERS[1]}


@pytest.mark.parametrize(
    ("attributes", "inputs"),
    [
        ({}, Stated()),
        ({"mean": [0.1, 0.2, 0.3], "std": NUMBERS[1]}, Stated(mean=NUMBERS[0], std=NUMBERS[1])),
        ({"mean": NUMBERS[0]}, Stated()),
        ({"mean": torch.zeros(3), "std": torch.ones(3)}, Stated()),
        ({"size": 20, "class_names": ["wren", "crane"]}, Stated(20, names=("wren", "crane"))),
        ({"size": (20, 20)}, Stated(20)),
        ({"size": (20, 30)}, Stated()),
        ({"class_names": "wren"}, Stated()),
        ({"pretrained_cfg": CONFIGURATION}, Stated(20, 25, *NUMBERS)),
        ({"default_cfg": CONFIGURATION, "size": 40}, Stated(40, None, *NUMBERS)),
    ],
)
def test_attributes_say_it(attributes, inputs):
    assert said_by(saying(**attributes)) == inputs


@pytest.mark.parametrize("std", [(0.0, 1.0, 1.0), (float("nan"), 1.0, 1.0)])
def test_a_deviation_that_is_none_is_told(std):
    with pytest.raises(UsageError, match="`std` to be positive"):
        said_by(saying(mean=NUMBERS[0], std=std))


def given(**options: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"size": None, "resize": None, "mean": None, "std": None, **options})


@pytest.mark.parametrize(
    ("options", "inputs", "cut"),
    [
        ({}, Stated(), (224, 256)),
        ({}, Stated(20, 25), (20, 25)),
        ({}, Stated(28), (28, 32)),
        ({"size": 40}, Stated(20, 25), (40, 50)),
        ({"resize": 20}, Stated(20, 25), (20, 20)),
    ],
)
def test_options_win_over_the_model_and_the_model_over_imagenet(options, inputs, cut):
    assert preparation(given(**options), inputs) == Preparation(*cut)


OWN = Stated(mean=NUMBERS[0], std=NUMBERS[1])


@pytest.mark.parametrize(
    ("options", "inputs", "source"),
    [
        ({}, Stated(), ASSUMED),
        ({}, OWN, "model"),
        ({"mean": [0, 0, 0]}, OWN, "--mean and model"),
        ({"mean": [0, 0, 0]}, Stated(), f"--mean and {ASSUMED}"),
        ({"mean": [0, 0, 0], "std": [1, 1, 1]}, OWN, "--mean and --std"),
    ],
)
def test_where_the_normalisation_is_from_is_known(options, inputs, source):
    scaled = normalization(given(**options), inputs)
    assert scaled.source == source
    assert bool(scaled.assumed) == (ASSUMED in source)
    assert scaled.mean == tuple(options.get("mean", inputs.mean or (0.485, 0.456, 0.406)))


def test_summaries_figures_and_the_table_say_what_is_assumed(explain, save, out, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr("captum_scd.visualization.masks_figure", lambda *given, **_: (seen.append(given), 0))
    monkeypatch.setattr("captum_scd.runs.folder.write_figure", lambda *_: None)
    explain(save("a.png"))
    assert "ImageNet's mean and deviation are assumed" in seen[-1]
    assert "ImageNet's mean and deviation are assumed" in capsys.readouterr().out
    assert json.loads((out / "a.json").read_text())["normalization"]["from"] == ASSUMED
    explain(save("a.png"), "--mean", 0, 0, 0, "--std", 1, 1, 1)
    assert "assumed" not in f"{seen[-1]} {capsys.readouterr().out}"
    told = json.loads((out / "a.json").read_text())["normalization"]
    assert told == {"mean": [0, 0, 0], "std": [1, 1, 1], "from": "--mean and --std"}


def test_names_and_size_of_the_model_are_used(explain, model, save, out):
    model.write_text(f"{model.read_text()}\n\nclass Named(Net):\n    class_names = ('a', 'b', 'c')\n")
    assert explain(save("a.png"), "--target", "b", attribute="Named") == 0
    assert json.loads((out / "a.json").read_text())["target"] == {"index": 1, "name": "b"}
