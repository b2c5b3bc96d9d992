"""What is measured of the samplers, by closed forms, and a run in small."""

import json
from pathlib import Path

import pytest
import samplers
import torch


def test_the_variance_of_means_of_independent_draws_falls_with_their_number() -> None:
    draws = 1 + torch.randn((64, 500), generator=torch.Generator().manual_seed(0))
    one, eight = (samplers.spread_of_means(draws, count) for count in (1, 8))
    assert one == pytest.approx(1.0, rel=0.1)
    assert eight == pytest.approx(one / 8, rel=0.2)


def test_antithetic_draws_of_an_odd_function_cancel() -> None:
    half = torch.randn((32, 5), generator=torch.Generator().manual_seed(0))
    pairs = 1 + torch.stack([half, -half], dim=1).flatten(0, 1)
    assert samplers.spread_of_means(pairs, 2) == pytest.approx(0, abs=1e-10)


def test_the_original_sampler_dies_where_the_simplified_one_lives() -> None:
    place = samplers.LOGITS.index(20)
    assert samplers.dead("simplified", 0.6) == [0.0] * len(samplers.LOGITS)
    assert samplers.dead("original", 0.6)[place] == 1.0
    assert samplers.dead("original", 0.6)[0] == 0.0


def test_missing_photos_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert samplers.main(["--data", str(tmp_path)]) == 2
    assert "imagenet" in capsys.readouterr().err


@pytest.mark.real
def test_a_small_run_draws_a_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = "--photos 1 --samples 1,2 --temperatures 0.6 --iterations 2 --size 64 --threads 1"
    if samplers.main([*small.split(), "--out", str(tmp_path)]) == 2:
        pytest.skip("there are no photos")
    (photo,) = json.loads((tmp_path / "samplers.json").read_text())["photos"]
    for kind, values in photo["simplified, t = 0.6"].items():
        assert photo["original, t = 0.6"][kind] == pytest.approx(values, rel=1e-3)
    assert (tmp_path / "samplers.png").stat().st_size > 10_000
    assert "| original, t = 0.6 | variance |" in capsys.readouterr().out
