"""A tiny network in a file, tiny images, and the command run in this process."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from captum_scd import FIDOAttribution, visualization
from captum_scd.cli import main
from captum_scd.runs import folder
from captum_scd.verdict import Verdict, judged

MODEL = '''
import torch
from torch import nn


class Net(nn.Module):
    """The mean of each third of the image's columns, as three logits."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(4.0))
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        thirds = torch.tensor_split(self.dropout(x), 3, dim=3)
        return self.gain * torch.stack([part.mean((1, 2, 3)) for part in thirds], dim=1)


class Bad(Net):
    def forward(self, x):
        return super().forward(x).tolist()


class Flat(Net):
    def forward(self, x):
        return super().forward(x).detach()


class Picky(Net):
    def forward(self, x):
        if x.mean() > 2.4:
            raise RuntimeError("too bright\\nfor me")
        return super().forward(x)


class Poisoned(Net):
    def forward(self, x):
        return super().forward(x) * (float("nan") if x.mean() > 2.4 else 1.0)


class Named(Net):
    def forward(self, x):
        return {"loss": None, "logits": super().forward(x)}


class One(Net):
    """Is the first third brighter than the last one?"""

    def forward(self, x):
        thirds = super().forward(x)
        return thirds[:, 0] - thirds[:, 2]


class Sure(One):
    def forward(self, x):
        return super().forward(x).sigmoid()[:, None]


def load():
    return Net()


def heavier():
    net = Net()
    net.gain.data += 1
    return net


def breaks():
    raise ValueError("no weights\\nanywhere")


def leaves():
    raise SystemExit(3)


def nothing():
    return {"state": 1}


instance = Net().train()
number = 7
'''

Run = Callable[..., int]
Save = Callable[..., Path]


@pytest.fixture
def drawn() -> None:
    """Ask for real figures, coarse ones."""


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Leave the figures empty where a test does not ask for them: drawing takes longer than all the rest."""
    monkeypatch.setattr(folder, "DPI", 20)
    if "drawn" not in request.fixturenames:
        for name in ("masks_figure", "comparison_figure", "pair_figure"):
            monkeypatch.setattr(visualization, name, lambda *_, **__: (Figure((1, 1)), None))


GOOD = {"ssr_keeps": 0.97, "sdr_leaves": 0.03, "infill_alone": 0.01, "agreement": 0.8, "second_infill": 0.9}


@pytest.fixture
def verdict() -> Callable[..., Verdict]:
    """Make a verdict, a good one where nothing else is said."""
    return lambda **others: judged(**{**GOOD, "depends": True, **others})


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have FIDO come to these verdicts, each example of a run to the next one; None gives none."""
    attribute = FIDOAttribution.attribute

    def come_to(*verdicts: Verdict | None) -> None:
        coming = iter(verdicts)

        @functools.wraps(attribute)
        def judging(self: Any, inputs: Any, *arguments: Any, **options: Any) -> Any:
            attribution, masks = attribute(self, inputs, *arguments, **options)
            given = tuple(next(coming) for _ in range(len(masks)))
            return attribution, dataclasses.replace(masks, verdict=() if None in given else given)

        monkeypatch.setattr(FIDOAttribution, "attribute", judging)

    return come_to


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.py"
    path.write_text(MODEL)
    return path


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Save a small image whose brightest third is known."""

    def write(name: str, third: int = 0, size: tuple[int, int] = (12, 12)) -> Path:
        width, height = size
        pixels = np.full((height, width, 3), 60, dtype=np.uint8)
        pixels[:, third * width // 3 : (third + 1) * width // 3] = 230
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def explain(model: Path, out: Path) -> Run:
    """Run `explain` fast; later options win over the first ones."""

    def run(*arguments: object, attribute: str = "load") -> int:
        fast = [
            "--iterations",
            "2",
            "--size",
            "12",
            "--resize",
            "12",
            "--out",
            out,
            "--model",
            f"{model}:{attribute}",
        ]
        return main([str(argument) for argument in ["explain", *fast, *arguments]])

    return run


@pytest.fixture
def compare(model: Path, out: Path) -> Run:
    """Run `compare` fast; later options win over the first ones."""

    def run(*arguments: object, attribute: str = "load") -> int:
        fast = ["--methods", "saliency,random", "--size", "12", "--resize", "12", "--out", out]
        spec = ["--model", f"{model}:{attribute}"]
        return main([str(argument) for argument in ["compare", *fast, *spec, *arguments]])

    return run


@pytest.fixture
def classify(model: Path, tmp_path: Path) -> Run:
    """Run `classify` fast; later options win over the first ones."""

    def run(*arguments: object, attribute: str = "load") -> int:
        fast = ["--iterations", "2", "--size", "12", "--resize", "12", "--out", tmp_path / "results.csv"]
        spec = ["--model", f"{model}:{attribute}"]
        return main([str(argument) for argument in ["classify", *fast, *spec, *arguments]])

    return run
