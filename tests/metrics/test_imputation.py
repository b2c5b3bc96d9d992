"""Missing pixels are the weighted mean of their neighbours, as a dense solution of the equations says."""

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from captum_scd.metrics._imputation import noisy_linear

SIZE = 9, 12
SIDE, CORNER = 1 / 6, 1 / 12


def image(*size: int) -> Tensor:
    return torch.rand(1, 2, *size, generator=Generator().manual_seed(0))


def dense(values: Tensor, keep: Tensor) -> Tensor:
    """Solve for one channel (H, W), pixel by pixel."""
    high, wide = values.shape
    matrix, right = np.eye(high * wide), values.numpy().astype(float).ravel().copy()
    for place in np.flatnonzero(keep.numpy() == 0):
        y, x = divmod(place, wide)
        near = {
            (y + down) * wide + x + across: CORNER if down and across else SIDE
            for down in (-1, 0, 1)
            for across in (-1, 0, 1)
            if (down or across) and 0 <= y + down < high and 0 <= x + across < wide
        }
        right[place] = 0
        for other, weight in near.items():
            matrix[place, other] = -weight / sum(near.values())
    return torch.from_numpy(np.linalg.solve(matrix, right)).view(high, wide).float()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_it_solves_the_equations_of_all_missing_pixels(share: float) -> None:
    values = image(*SIZE)
    keep = (torch.rand(1, 1, *SIZE, generator=Generator().manual_seed(1)) < share).float()
    found = noisy_linear(values, keep, noise=0.0, seed=0)
    for channel in (0, 1):
        torch.testing.assert_close(
            found[0, channel], dense(values[0, channel], keep[0, 0]), rtol=0, atol=1e-3
        )


def test_a_hole_in_a_slope_is_filled_with_the_slope() -> None:
    slope = (torch.arange(40.0)[:, None] + 2 * torch.arange(48.0)).expand(1, 1, 40, 48)
    keep = torch.ones(1, 1, 40, 48)
    keep[..., 8:33, 10:41] = 0
    torch.testing.assert_close(noisy_linear(slope, keep, 0.0, 0), slope, rtol=0, atol=0.1)


def test_each_row_is_imputed_by_itself() -> None:
    values = image(*SIZE).expand(3, -1, -1, -1)
    keep = (torch.rand(3, 1, *SIZE, generator=Generator().manual_seed(1)) < 0.5).float()
    rows = [noisy_linear(values[:1], one[None], 0.0, 0) for one in keep]
    torch.testing.assert_close(noisy_linear(values, keep, 0.0, 0), torch.cat(rows))


def test_what_is_kept_stays_to_the_last_bit() -> None:
    values, keep = image(*SIZE), torch.ones(1, 1, *SIZE)
    keep[..., 2:5, 2:5] = 0
    found = noisy_linear(values, keep, 0.5, 0)
    assert torch.equal(found * keep, values * keep)
    assert torch.equal(noisy_linear(values, torch.ones_like(keep), 0.5, 0), values)


def test_where_nothing_is_kept_all_is_the_mean_colour() -> None:
    values = image(*SIZE)
    found = noisy_linear(values, torch.zeros(1, 1, *SIZE), 0.0, 0)
    torch.testing.assert_close(found, values.mean((2, 3), keepdim=True).expand_as(values))


def test_noise_is_a_share_of_the_images_own_deviation_and_follows_the_seed() -> None:
    values, nothing = image(64, 64), torch.zeros(1, 1, 64, 64)
    still, drawn, again, other = (
        noisy_linear(10 * values, nothing, noise, seed)
        for noise, seed in ((0.0, 0), (0.1, 0), (0.1, 0), (0.1, 1))
    )
    assert (drawn - still).std().item() == pytest.approx(0.1 * (10 * values).std().item(), rel=0.05)
    assert torch.equal(drawn, again)
    assert not torch.equal(drawn, other)


def test_it_keeps_the_dtype() -> None:
    values = image(*SIZE).double()
    assert noisy_linear(values, torch.zeros(1, 1, *SIZE), 0.1, 0).dtype == torch.float64
