"""The defaults elsewhere: what the subjects come to, and a run in small."""

import json
from pathlib import Path

import elsewhere
import pytest
import torch
from common.tables import Table
from subjects import SUBJECTS, Question
from subjects.real import Pair, Tokens, _quarter
from subjects.small import Transformer, trained
from torch import nn


def test_energy_is_the_share_of_what_is_above_zero_in_the_region() -> None:
    region = torch.tensor([[True, False], [False, False]])[None, None]
    energy, better = elsewhere.energy_in(region)
    maps = torch.tensor([[3.0, 1.0], [-5.0, 0.0]])[None, None]
    assert (energy(None, maps, maps, maps, maps).item(), better) == (0.75, "higher")


def test_a_pair_asks_for_the_contrast() -> None:
    logits = torch.tensor([[1.0, 5.0, 2.0]])
    pair = Pair(nn.Identity(), torch.tensor([1, 2]))
    assert (pair(logits)[:, 0] - pair(logits)[:, 1]).item() == 3.0


def test_the_transformer_sees_the_middle() -> None:
    images = torch.zeros(2, 1, 227, 227)
    images[:, :, 1:225, 1:225] = 1
    features = Tokens(nn.Flatten())(images)
    assert features.shape == (2, 224 * 224, 1, 1)
    assert features.eq(1).all()


def test_quarters_share_nothing_and_leave_nothing_out() -> None:
    assert (sum(_quarter(place).int() for place in range(4)) == 1).all()


def test_the_transformer_is_trained_alike_twice() -> None:
    one, other = (trained(pictures=64, epochs=1) for _ in range(2))
    assert isinstance(one, Transformer)
    assert not one.training
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name])


def test_beetles_lie_where_their_marks_are() -> None:
    (question,) = SUBJECTS["beetles"](Path(), 2)
    assert (len(question.inputs), question.region.shape) == (2, (2, 1, 128, 128))
    assert 0 < question.region.float().mean() < 0.1


def test_a_method_that_does_not_apply_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    model = Transformer(classes=4).eval()
    question = Question("one", model, torch.rand(1, 3, 64, 64), torch.tensor([0]))
    table = Table()
    elsewhere.measure(question, table, ["guided_gradcam", "random"])
    assert list(table.values) == ["Random"]
    assert "Guided GradCAM: left out" in capsys.readouterr().err


def test_a_small_run_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.json"
    arguments = "--subjects beetles --methods gradcam,random --images 2 --threads 1"
    assert elsewhere.main([*arguments.split(), "--json", str(file)]) == 0
    assert len(json.loads(file.read_text())["values"]["beetles"]["GradCAM"]["energy"]) == 2
    assert "| Random | " in capsys.readouterr().out


def test_missing_data_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert elsewhere.main(["--subjects", "mosaics", "--data", str(tmp_path)]) == 2
    assert "squeezenet.py" in capsys.readouterr().err
