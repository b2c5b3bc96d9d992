"""Maps beside each other: kept in files, blurred alike, compared photo by photo."""

from pathlib import Path

import pytest
import torch
from common.data import shuffled
from common.made import Made, as_method, folder_beside, kept
from common.smoothness import as_smooth, roughness
from common.tables import beside_fido
from quality import SMOOTHED, Measured, add, parse, smoothed
from torch import Tensor, nn

from captum_scd.comparison.costs import Cost

COST = Cost(1.0, 3.0, 2.0, None)


def noise(seed: int = 0) -> Tensor:
    return torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(seed))


def made(**maps: Tensor) -> Made:
    return Made(maps, dict.fromkeys(maps, COST), None)


def test_maps_come_back_bit_by_bit_and_are_made_once(tmp_path: Path) -> None:
    times = []

    def make() -> Made:
        times.append(1)
        return made(FIDO=noise(), RISE=noise(1))

    for _ in range(2):
        found = kept(tmp_path, ["wren", "robin"], make)
        assert torch.equal(found.maps["RISE"], noise(1))
        assert (list(found.maps), found.costs["FIDO"], found.masks) == (["FIDO", "RISE"], COST, None)
    assert len(times) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["wren+robin.npz"]


def test_maps_of_other_settings_are_refused(tmp_path: Path) -> None:
    folder = folder_beside(tmp_path / "one.json", {"seed": 0})
    assert folder == folder_beside(tmp_path / "one.json", {"seed": 0})
    with pytest.raises(ValueError, match="made by the same settings"):
        folder_beside(tmp_path / "one.json", {"seed": 1})


def test_blurring_stops_at_the_limit() -> None:
    limit = roughness(noise()) / 10
    found = as_smooth(noise(), torch.tensor([limit]))
    assert 0.8 * limit < roughness(found) <= limit


def test_a_smooth_map_stays_as_it_is() -> None:
    ramp = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    assert torch.equal(as_smooth(ramp, torch.tensor([roughness(noise())])), ramp)


def test_each_map_has_its_own_limit() -> None:
    maps = torch.cat([noise(), noise()])
    first, second = as_smooth(maps, torch.tensor([1.0, 0.05]))
    assert torch.equal(first, maps[0])
    assert roughness(second[None]) <= 0.05


def test_rivals_are_blurred_and_fido_is_not() -> None:
    ramp = (torch.linspace(0, 3, 32) % 1).expand(1, 1, 32, 32)
    found = smoothed({"FIDO": ramp, "IG": noise(), "CAM": ramp})
    assert list(found) == [f"IG{SMOOTHED}", f"CAM{SMOOTHED}"]
    assert roughness(found[f"IG{SMOOTHED}"]) <= roughness(ramp)
    assert torch.equal(found[f"CAM{SMOOTHED}"], ramp)


def test_what_was_smooth_already_counts_as_it_is() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4)).eval()
    ramp = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    options = parse(["--smooth", "--metrics", "difference"])
    measured = Measured()
    add(measured, model, torch.rand(1, 3, 32, 32), made(FIDO=ramp, CAM=ramp.flip(3), IG=noise()), options)
    values = measured.methods.values
    assert values["CAM"] == values[f"CAM{SMOOTHED}"]
    assert values["IG"]["difference"] != values[f"IG{SMOOTHED}"]["difference"]
    assert values["IG"]["forward"] == [3.0]


def test_an_order_of_chance_is_the_same_each_time() -> None:
    paths = [Path(str(place)) for place in range(20)]
    assert shuffled(paths) == shuffled(paths) != paths
    assert sorted(shuffled(paths)) == sorted(paths)


def test_differences_are_taken_photo_by_photo() -> None:
    measured = Measured()
    measured.methods.add("FIDO", {"difference": torch.tensor([0.5, 0.9])})
    measured.methods.add("CAM", {"difference": torch.tensor([0.25, 0.15])})
    (line,) = beside_fido(measured.methods).splitlines()[2:]
    assert line == "| CAM | +0.500 [+0.250, +0.750], better on 2 of 2 |"


def test_a_kept_map_is_a_method() -> None:
    assert torch.equal(as_method(noise())(torch.zeros(1, 3, 32, 32)), noise())
