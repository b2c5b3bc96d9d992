"""The benchmark of speed: the network has the size it says, and the bare rows are as many as FIDO's."""

import json
from pathlib import Path

import pytest
import speed
import torch
from bottlenecks import resnet50
from torch import nn

from captum_scd.passes import Passes, counted


def test_the_network_has_the_size_of_resnet50() -> None:
    model = resnet50()
    assert sum(parameter.numel() for parameter in model.parameters()) == 25_557_032  # as published
    with torch.no_grad():
        assert model.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 1000)


@pytest.mark.parametrize("cap", [None, 3])
def test_the_bare_rows_are_as_many(cap: int | None) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    with counted(model) as passes:
        speed.bare(model, torch.rand(2, 3, 8, 8), Passes(forward=70, backward=9), cap)
    assert (passes.forward, passes.backward) == (70, 9)


def test_a_small_run_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    small = "--networks resnet50 --batches 2 --iterations 3 --repeats 1 --size 32 --threads 1"
    assert speed.main([*small.split(), "--json", str(file)]) == 0
    costs = json.loads(file.read_text())["costs"]
    assert [cost["batch"] for cost in costs] == [2]
    assert all(cost["backward"] == 2 * 2 * 3 for cost in costs)
    assert "| resnet50 | 2 |" in capsys.readouterr().out


def test_a_missing_network_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["--networks", "squeezenet", "--data", str(tmp_path)]) == 2
    assert "squeezenet.py" in capsys.readouterr().err
