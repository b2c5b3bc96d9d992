"""A second look through a real network: it finds a photo on a canvas, and equals the first where it must."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from captum_scd import MaskGuidedClassifier, infill
from captum_scd.classification import BoxRule
from captum_scd.cli import main

pytestmark = pytest.mark.real

SETTINGS = {"n_iterations": 8}
PHOTO = 2
"""Of the four photos, the one that the network still knows at half its size."""


def test_a_crop_of_the_whole_photo_is_the_first_prediction(network: nn.Module, photos: Any) -> None:
    guided = MaskGuidedClassifier(network, boxes=BoxRule(least=1e9), combine="replace")
    with torch.no_grad():
        told = guided.classify(photos.inputs, maps=torch.ones(4, 1, 8, 8))
    assert (told.logits - told.first).abs().max() < 1e-3
    assert (told.logits.softmax(1) - told.first.softmax(1)).abs().max() < 1e-5


def test_the_box_lies_on_a_photo_put_off_the_middle(network: nn.Module, photos: Any) -> None:
    small = nn.functional.interpolate(photos.inputs[PHOTO : PHOTO + 1], scale_factor=0.5, antialias=True,
                                      mode="bilinear")  # fmt: skip
    canvas = infill.blur(photos.inputs[PHOTO : PHOTO + 1], sigma=40.0)
    canvas[..., 100 : 100 + small.shape[2], 8 : 8 + small.shape[3]] = small
    guided = MaskGuidedClassifier(network, boxes=BoxRule(padding=0), settings=SETTINGS)
    with torch.no_grad():
        told = guided.classify(canvas)
    x0, y0, x1, y1 = told.boxes[0, 0].tolist()
    inside = max(0, min(x1, 121) - max(x0, 8)) * max(0, min(y1, 213) - max(y0, 100))
    assert inside / ((x1 - x0) * (y1 - y0)) > 0.6


def test_the_command_line_classifies_a_photo(data: Path, photos: Any, tmp_path: Path) -> None:
    table, path = tmp_path / "results.csv", photos.paths[PHOTO]
    options = ["--model", f"{data / 'squeezenet.py'}:load", "--classes", str(data / "imagenet_classes.txt")]
    options += ["--iterations", "4", "--size", "227", "--resize", "256"]
    assert main(["classify", str(path), "--out", str(table), *options]) == 0
    with table.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert int(row["before"]) == int(path.name[:4])
    assert row["before_name"]
    assert 0 < float(row["after_probability"]) <= 1
    with Image.open(path) as photo:
        assert 0 <= float(row["x0"]) < float(row["x1"]) <= photo.width
        assert 0 <= float(row["y0"]) < float(row["y1"]) <= photo.height
