"""The training command, on a handful of pictures."""

from pathlib import Path

import pytest
import torch

from captum_scd.demo.model import BeetleNet
from captum_scd.demo.train import evaluate, main, train


def test_the_command_writes_weights_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "weights.pt"
    main(["--out", str(out), "--images", "16", "--epochs", "1", "--held-out", "8"])
    state = torch.load(out, weights_only=True)
    assert state.keys() == BeetleNet().state_dict().keys()
    printed = capsys.readouterr().out
    assert "epoch 1/1" in printed
    assert "held out, accuracy" in printed


def test_same_seed_same_network_and_global_generator_left_alone() -> None:
    before = torch.get_rng_state()
    lines: list[str] = []
    first, second = (train(8, 1, batch_size=4, report=lines.append) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert len(lines) == 2
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_steps_lower_the_loss() -> None:
    lines: list[str] = []
    train(16, 4, batch_size=8, report=lines.append)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in lines]
    assert min(losses[-2:]) < losses[0]


def test_an_untrained_network_scores_within_range() -> None:
    scores = evaluate(BeetleNet().eval(), n=8)
    shares = {"accuracy", "follows_swap", "leaves_without", "detail_is_enough", "detail_is_needed"}
    assert set(scores) == shares
    assert 0 <= scores["accuracy"] <= 1
