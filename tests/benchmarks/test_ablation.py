"""The ablation: variants change one thing and leave nothing changed, and a run goes on where it stopped."""

import json
from pathlib import Path

import ablation
import pytest
import torch
from PIL import Image

from captum_scd import learning

NETWORK = """
import torch
from torch import nn

def load():
    torch.manual_seed(0)
    maps = nn.Conv2d(3, 4, 5, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(2)
    return nn.Sequential(*maps, nn.Flatten(), nn.Linear(16, 5)).eval()
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "imagenet").mkdir()
    (tmp_path / "squeezenet.py").write_text(NETWORK)
    pixels = torch.randint(0, 256, (40, 40, 3), generator=torch.Generator().manual_seed(0))
    Image.fromarray(pixels.to(torch.uint8).numpy()).save(tmp_path / "imagenet" / "noise.jpg")
    return tmp_path


def test_a_variant_is_undone() -> None:
    before = learning.LEAN
    with ablation.VARIANTS["SDR does not lean on SSR"].applied():
        assert learning.LEAN == 0
    assert before == learning.LEAN != 0


@pytest.mark.parametrize("variant", ablation.VARIANTS.values(), ids=ablation.VARIANTS)
def test_what_a_variant_replaces_is_there(variant: ablation.Variant) -> None:
    assert all(hasattr(module, name) for module, name, _ in variant.inside)


def test_a_run_goes_on_where_it_stopped(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = data / "out" / "values.json"
    options = ["--data", str(data), "--size", "24", "--threads", "1", "--json", str(file)]
    assert ablation.main([*options, "--variants", "15 iterations"]) == 0
    first = json.loads(file.read_text())["values"]
    assert first["defaults"]["noise"]["correlation"] == pytest.approx(1)
    assert first["15 iterations"]["noise"]["passes"] < first["defaults"]["noise"]["passes"]
    capsys.readouterr()
    assert ablation.main([*options, "--variants", "15 iterations,not calibrated"]) == 0
    told = capsys.readouterr()
    assert told.err == "photo 1 of 1: not calibrated\n"
    assert "| 15 iterations |" in told.out
    assert json.loads(file.read_text())["values"]["defaults"] == first["defaults"]


def test_unknown_variants_and_missing_photos_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        ablation.main(["--variants", "nonsense"])
    assert "'nonsense'" in capsys.readouterr().err
    assert ablation.main(["--data", str(tmp_path)]) == 2
    assert "imagenet/*.jpg" in capsys.readouterr().err
