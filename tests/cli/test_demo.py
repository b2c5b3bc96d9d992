"""The demonstration, with an untrained network so that it needs no weights."""

import pytest
import torch
from PIL import Image

from captum_scd.attribution import FIDOAttribution
from captum_scd.cli import demo, main
from captum_scd.demo import BeetleNet


@pytest.fixture
def quick(monkeypatch) -> None:
    """An untrained network and two steps of learning."""
    attribute = FIDOAttribution.attribute

    def short(self: FIDOAttribution, *arguments: object, **options: object) -> object:
        return attribute(self, *arguments, n_iterations=2, **options)

    torch.manual_seed(0)
    network = BeetleNet().eval()
    monkeypatch.setattr(demo, "load", lambda: network)
    monkeypatch.setattr(FIDOAttribution, "attribute", short)


def test_demo_draws_one_figure_and_prints_one_table(quick, tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "out"), "--images", "2"]) == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == [demo.FIGURE]
    with Image.open(tmp_path / "out" / demo.FIGURE) as figure:
        assert figure.width > figure.height
    stdout = capsys.readouterr().out
    assert all(name in stdout for name in ("FIDO", "GradCAM", "Integrated gradients", "area of the detail"))
    assert "IoU with the detail" in stdout


def test_the_region_is_compared_with_the_detail() -> None:
    detail = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    detail[:, :, 0] = True
    region = torch.zeros_like(detail)
    region[0, :, 0, :2] = region[1, :, :2] = True
    assert demo._region(region, detail).endswith(
        "IoU with the detail 0.50; 0.5 to 2.0 times as large as the detail"
    )


def test_maps_fit_the_images(quick):
    pictures = demo.generate(2, size=32)
    maps = demo.attributions(demo.load(), demo.normalize(pictures.images), pictures.labels, seed=0)
    assert all(one.shape[0] == 2 and one.shape[2:] == (32, 32) for one in maps.values())
    assert maps["FIDO"].min() >= 0
    assert maps["GradCAM"].min() >= 0


def test_missing_weights_are_told(monkeypatch, tmp_path, capsys):
    def missing() -> None:
        raise FileNotFoundError(2, "No such file", "weights.pt")

    monkeypatch.setattr(demo, "load", missing)
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("captum-scd: error: Expected the demo's weights")


def test_demo_needs_a_folder_it_can_write_to(quick, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["demo", "--out", str(tmp_path / "file")]) == 2
    assert "Expected --out to be a folder" in capsys.readouterr().err
