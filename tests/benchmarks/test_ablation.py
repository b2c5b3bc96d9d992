"""The ablation: variants change one thing and leave nothing changed, and a run goes on where it stopped."""

import json
from pathlib import Path

import ablation
import pytest
import torch
from common import networks
from common.data import read
from PIL import Image

from captum_scd import learning
from captum_scd.grid import make_grid

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
    for seed, name in enumerate(("noise", "other")):
        pixels = torch.randint(0, 256, (40, 40, 3), generator=torch.Generator().manual_seed(seed))
        Image.fromarray(pixels.to(torch.uint8).numpy()).save(tmp_path / "imagenet" / f"{name}.jpg")
    return tmp_path


def test_a_variant_is_undone() -> None:
    before = learning.LEAN
    with ablation.VARIANTS["SDR does not lean on SSR"].applied():
        assert learning.LEAN == 0
    assert before == learning.LEAN != 0


@pytest.mark.parametrize("name", ["one scale", "coarse scales weigh more"])
def test_other_scales_reach_the_maps(name: str) -> None:
    grid = make_grid((torch.zeros(1, 1, 56, 56),))
    logits = torch.randn(2, 1, grid.count, generator=torch.Generator().manual_seed(0))
    before = learning.finished(grid, logits)
    with ablation.VARIANTS[name].applied():
        assert len(learning.blended(grid, logits[0])) == 1
        assert not torch.allclose(learning.finished(grid, logits), before, atol=0.01)


@pytest.mark.parametrize("variant", ablation.VARIANTS.values(), ids=ablation.VARIANTS)
def test_what_a_variant_replaces_is_there(variant: ablation.Variant) -> None:
    assert all(hasattr(module, name) for module, name, _ in variant.inside)


def small(data: Path) -> list[str]:
    return ["--data", str(data), "--size", "24", "--threads", "1", "--out", str(data / "out")]


def values(data: Path, variant: str) -> list[dict[str, list[float]]]:
    return json.loads((data / "out" / f"{variant}.json").read_text())["values"]


def test_every_variant_can_be_asked_for() -> None:
    assert not [name for name in ablation.VARIANTS if "," in name]


def test_a_run_goes_on_where_it_stopped(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablation.main([*small(data), "--batch", "1", "--variants", "half the iterations"]) == 0
    first = values(data, "defaults")
    assert [batch["correlation"] for batch in first] == [[pytest.approx(1)], [pytest.approx(1)]]
    assert values(data, "half-the-iterations")[0]["passes"] < first[0]["passes"]
    capsys.readouterr()
    assert (
        ablation.main([*small(data), "--batch", "1", "--variants", "half the iterations,not calibrated"]) == 0
    )
    told = capsys.readouterr()
    assert told.err == "not calibrated: batch 1 of 2\nnot calibrated: batch 2 of 2\n"
    assert told.out.count("| half the iterations |") == 2
    assert values(data, "defaults") == first


def test_other_settings_start_anew(data: Path) -> None:
    for batch in (1, 2):
        assert ablation.main([*small(data), "--batch", str(batch), "--variants", "defaults"]) == 0
    assert len(values(data, "defaults")) == 1


def test_seeds_differ_between_batches_and_with_the_variant(data: Path) -> None:
    model = networks.load_network(data)
    inputs = read(data / "imagenet" / "noise.jpg", 24)
    defaults, another = (ablation.VARIANTS[name] for name in ("defaults", "another seed"))
    masks = [ablation.measure(model, *asked)[1] for asked in ((defaults, inputs, 3), (another, inputs, 3))]
    assert [one.seed for one in masks] == [3, 1003]


def test_half_precision_is_inside(data: Path) -> None:
    inputs = read(data / "imagenet" / "noise.jpg", 24)
    rounded, exact = (networks.load_network(data, half)(inputs) for half in (True, False))
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.02 * exact.abs().max()


def test_random_areas_go_on_where_they_were() -> None:
    assert torch.equal(ablation.random_areas(4, 0, 0.3)[2:], ablation.random_areas(2, 2, 0.3))
    assert not torch.equal(ablation.random_areas(2, 0, 0.3), ablation.random_areas(2, 0, 0.4))


def test_unknown_variants_and_missing_photos_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        ablation.main(["--variants", "nonsense"])
    assert "'nonsense'" in capsys.readouterr().err
    assert ablation.main(["--data", str(tmp_path)]) == 2
    assert "imagenet/*.jpg" in capsys.readouterr().err
