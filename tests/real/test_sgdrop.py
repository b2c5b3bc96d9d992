"""The experiment on the birds runs from photos to table, on a few of them."""

import json
from pathlib import Path

import pytest
import sgdrop

pytestmark = pytest.mark.real

OF_EACH = 3
"""Photos of each species."""


@pytest.fixture
def few(data: Path, tmp_path: Path) -> Path:
    """The real data folder with few of its birds."""
    species = [folder for folder in sorted(data.glob("birds/*")) if folder.is_dir()]
    if not species:
        pytest.skip("no birds/*/*.jpg in the real data folder")
    links = [data / "squeezenet.py", data / "squeezenet1_0.pt"]
    links += [photo for folder in species for photo in sorted(folder.glob("*.jpg"))[:OF_EACH]]
    for link in links:
        place = tmp_path / link.relative_to(data)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(link)
    return tmp_path


def test_birds_in_small(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = few / "values.json"
    small = "--seeds 1 --rows nothing,sgdrop --train 2 --epochs 1 --size 127 --fido-images 1 --threads 2"
    options = ["--part", "birds", *small.split(), "--data", str(few), "--json", str(file)]
    assert sgdrop.main(options) == 0
    values = json.loads(file.read_text())["values"]
    assert set(values) == {"nothing", "sgdrop"}
    assert all(0 <= share <= 1 for row in values.values() for column in row.values() for share in column)
    assert "| sgdrop |" in capsys.readouterr().out
