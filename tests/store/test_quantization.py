import numpy as np
import pytest
import torch

from captum_scd.masks import MODES, FIDOMasks
from captum_scd.store.quantization import quantize, restore


def _maps(ssr: torch.Tensor, sdr: torch.Tensor) -> list[torch.Tensor]:
    masks = FIDOMasks(ssr, sdr, size=(37, 50))
    return [masks.mask(mode) for mode in MODES]


@pytest.mark.parametrize("power", [0.2, 1, 8])  # most values near 1, anywhere, near 0
def test_all_three_maps_come_back_within_one_step(power: float) -> None:
    cells = torch.rand(2, 20, 1, 7, 9, generator=torch.Generator().manual_seed(0)) ** power
    there = _maps(*cells)
    back = _maps(*restore(quantize(cells)))
    for one, other in zip(there, back, strict=True):
        assert (one - other).abs().max() <= 1 / 255


def test_a_joint_map_of_nearly_nothing_and_everything_comes_back_within_one_step() -> None:
    ssr = torch.linspace(0, 0.02, 500).view(1, 1, 1, -1)
    sdr = torch.ones_like(ssr)
    back = restore(quantize(ssr)), restore(quantize(sdr))
    assert ((ssr * sdr).sqrt() - (back[0] * back[1]).sqrt()).abs().max() <= 1 / 255


def test_what_came_back_does_not_move_again() -> None:
    steps = np.arange(256, dtype=np.uint8)
    assert (quantize(restore(steps)) == steps).all()


def test_the_ends_are_exact() -> None:
    assert restore(quantize(torch.tensor([0.0, 1.0]))).tolist() == [0, 1]


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
def test_other_values_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"Expected masks in \[0, 1\]"):
        quantize(torch.tensor([0.5, value]))
