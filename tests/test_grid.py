"""Cells, where they lie, and what they cover."""

import pytest
import torch
from scipy import ndimage
from torch import Generator, Tensor
from torch.nn import functional as F

from captum_scd.grid import make_grid, resize, total_variation


def _cells(rows: int, count: int) -> Tensor:
    return torch.rand(rows, count, generator=Generator().manual_seed(5))


def _expand(inputs, cells: Tensor, **options) -> tuple[Tensor, ...]:
    return make_grid(inputs, **options).expand(cells, torch.arange(len(cells)))


@pytest.mark.parametrize(
    ("size", "mask_size", "shape"),
    [
        ((12, 24), 4, (4, 8)),
        ((12, 24), 1, (1, 2)),
        ((10, 17), 7, (7, 12)),
        ((24, 12), 4, (8, 4)),
        ((12, 24), (3, 5), (3, 5)),
        ((12, 24), (1, 5), (1, 5)),
        ((3, 5), 100, (3, 5)),
        ((1, 7), 1, (1, 7)),
        ((30,), 5, (5,)),
        ((6, 6, 12), 2, (2, 2, 4)),
    ],
    ids=str,
)
def test_mask_size_counts_cells_along_the_shortest_axis(size, mask_size, shape) -> None:
    grid = make_grid((torch.zeros(2, 3, *size),), mask_size)
    (mask,) = grid.arrange(_cells(2, grid.count), torch.arange(2))
    assert mask.shape == (2, 1, *shape)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (500, 300), (7,), (5, 4, 3)], ids=str)
def test_by_default_a_mask_never_has_more_cells_than_the_input_has_pixels(size) -> None:
    (mask,) = _expand(
        (torch.zeros(1, 3, *size),), torch.zeros(1, make_grid((torch.zeros(1, 3, *size),)).count)
    )
    assert mask.shape == (1, 1, *size)


@pytest.mark.parametrize(
    ("size", "shape"), [((224, 336), (56, 84)), ((500,), (112,)), ((20, 40, 30), (14, 28, 21))], ids=str
)
def test_by_default_the_shortest_axis_has_so_many_cells(size, shape) -> None:
    grid = make_grid((torch.zeros(1, 1, *size),))
    (mask,) = grid.arrange(torch.zeros(1, grid.count), torch.zeros(1).long())
    assert mask.shape == (1, 1, *shape)
    assert grid.sizes == (size,)


@pytest.mark.parametrize(
    "mask_size", [0, -3, 2.5, "8", True, (4,), (4, 0), (4, 5, 6), (13, 4), (2.5, 3)], ids=str
)
def test_a_mask_size_that_does_not_fit_is_rejected(mask_size) -> None:
    with pytest.raises(ValueError, match="Expected `mask_size`"):
        make_grid((torch.zeros(1, 3, 12, 10),), mask_size)


def test_cells_are_interpolated_and_shared_by_the_channels() -> None:
    cells = _cells(2, 4)
    (mask,) = _expand((torch.zeros(2, 3, 6, 6),), cells, mask_size=2)
    expected = F.interpolate(cells.view(2, 1, 2, 2), size=(6, 6), mode="bilinear", align_corners=False)
    assert torch.equal(mask, expected)


def test_each_tabular_feature_has_a_cell() -> None:
    cells = _cells(2, 5)
    assert torch.equal(_expand((torch.zeros(2, 5),), cells)[0], cells)


def test_inputs_of_more_than_three_spatial_axes_have_a_cell_for_each_feature() -> None:
    inputs, cells = torch.zeros(2, 3, 2, 2, 2, 2), _cells(2, 48)
    assert make_grid((inputs,)).count == 48
    assert torch.equal(_expand((inputs,), cells)[0].flatten(1), cells)


def test_several_inputs_have_cells_of_their_own() -> None:
    inputs = torch.zeros(2, 3, 8, 8), torch.zeros(2, 5)
    cells = _cells(2, 4 + 5)
    image, table = make_grid(inputs, mask_size=2).arrange(cells, torch.arange(2))
    assert torch.equal(image.flatten(1), cells[:, :4])
    assert torch.equal(table, cells[:, 4:])


@pytest.mark.parametrize("shape", [(1, 1, 4, 6), (4, 6), (1, 3, 4, 6), (2, 1, 4, 6)], ids=str)
def test_features_of_one_group_share_a_cell(shape) -> None:
    numbers = torch.randint(0, 4, shape, generator=Generator().manual_seed(0)) * 10 - 7
    inputs = torch.zeros(2, 3, 4, 6)
    grid = make_grid((inputs,), feature_mask=(numbers,))
    cells = _cells(2, grid.count)
    assert grid.count == grid.layouts[0].count == 4
    assert grid.sizes == ((4, 6),)
    (mask,) = grid.expand(cells, torch.arange(2))
    full, spread = numbers.expand_as(inputs), mask.expand_as(inputs)
    for example in range(2):
        for cell, number in enumerate(numbers.unique()):
            assert (spread[example][full[example] == number] == cells[example, cell]).all()


def test_rows_follow_the_feature_mask_of_their_example() -> None:
    numbers = torch.tensor([[0, 0, 1], [1, 0, 0]])
    grid = make_grid((torch.zeros(2, 3),), feature_mask=(numbers,))
    (mask,) = grid.expand(torch.tensor([[0.25, 0.5]]), torch.tensor([1]))
    assert mask.tolist() == [[0.5, 0.25, 0.25]]


def test_groups_reach_across_inputs() -> None:
    inputs = torch.zeros(1, 2), torch.zeros(1, 3)
    masks = torch.tensor([[0, 1]]), torch.tensor([[1, 1, 2]])
    first, second = _expand(inputs, torch.tensor([[0.1, 0.2, 0.3]]), feature_mask=masks)
    torch.testing.assert_close(first, torch.tensor([[0.1, 0.2]]))
    torch.testing.assert_close(second, torch.tensor([[0.2, 0.2, 0.3]]))


@pytest.mark.parametrize(
    ("feature_mask", "message"),
    [
        ((torch.zeros(1, 3),), "to hold integers"),
        ((torch.zeros(1, 3, dtype=torch.complex64),), "to hold integers"),
        ((torch.zeros(1, 4, dtype=torch.long),), "to broadcast to its input"),
        ((torch.zeros(1, 1, 3, dtype=torch.long),), "to broadcast to its input"),
        ((torch.zeros(1, 3, dtype=torch.long),) * 2, "one `feature_mask` per input"),
    ],
    ids=["floats", "complex", "size", "dimensions", "number"],
)
def test_a_feature_mask_that_does_not_fit_is_rejected(feature_mask, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_grid((torch.zeros(2, 3),), feature_mask=feature_mask)


def test_area_is_the_mean_of_the_mask_and_the_mean_over_inputs() -> None:
    grid = make_grid((torch.zeros(1, 4), torch.zeros(1, 2)))
    cells = torch.tensor([[1.0, 0, 0, 0, 1, 0]])
    torch.testing.assert_close(grid.area(cells, torch.arange(1)), torch.tensor([(0.25 + 0.5) / 2]))


def test_area_of_groups_counts_their_features() -> None:
    grid = make_grid((torch.zeros(1, 4),), feature_mask=(torch.tensor([[0, 0, 0, 1]]),))
    assert grid.area(torch.tensor([[1.0, 0.0]]), torch.arange(1)).tolist() == [0.75]


def test_area_counts_the_groups_of_each_rows_example() -> None:
    grid = make_grid((torch.zeros(2, 4),), feature_mask=(torch.tensor([[0, 0, 0, 1], [0, 1, 1, 1]]),))
    cells = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert grid.area(cells, torch.tensor([1, 0, 1])).tolist() == [0.25, 0.75, 0.75]


def test_groups_and_features_have_no_neighbours() -> None:
    for options in ({}, {"feature_mask": (torch.arange(4)[None],)}):
        assert make_grid((torch.zeros(2, 4),), **options).variation(_cells(2, 4)).tolist() == [0, 0]


def test_variation_is_the_mean_over_inputs() -> None:
    inputs = torch.zeros(2, 3, 8, 8), torch.zeros(2, 5), torch.zeros(2, 3, 6)
    grid = make_grid(inputs, mask_size=2)
    cells = torch.tensor(
        [[0.0, 1.0, 1.0, 0.0, *[0.3] * 5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.5, *[1.0] * 5, 1.0, 1.0]]
    )
    torch.testing.assert_close(grid.variation(cells), torch.tensor([(1 + 0 + 0.5) / 3, 0.25 / 3]))


@pytest.mark.parametrize("size", [(14, 21), (14,), (7, 9, 8)], ids=str)
def test_smoothing_is_a_gaussian_blur_in_cells_of_a_default_lattice_of_images(size) -> None:
    grid = make_grid((torch.zeros(2, 3, *size),), mask_size=size)
    cells = _cells(2, grid.count)
    sigma = 4.0 * min(size) / 56
    expected = [ndimage.gaussian_filter(one.view(size).numpy(), sigma, mode="mirror") for one in cells]
    smooth = grid.smooth(cells, 4.0)
    torch.testing.assert_close(
        smooth.view(2, *size), torch.stack([torch.from_numpy(one) for one in expected])
    )


def test_only_cells_that_have_neighbours_are_smoothed() -> None:
    image, table = torch.zeros(2, 3, 8, 8), torch.zeros(2, 5)
    both, alone = make_grid((image, table), mask_size=4), make_grid((image,), mask_size=4)
    cells = _cells(2, 16 + 5)
    smooth = both.smooth(cells, 7.0)
    assert torch.equal(smooth[:, :16], alone.smooth(cells[:, :16], 7.0))
    assert torch.equal(smooth[:, 16:], cells[:, 16:])
    assert (smooth[:, :16] != cells[:, :16]).all()


def test_groups_stay_as_they_are_when_smoothed() -> None:
    inputs = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    grid = make_grid(inputs, feature_mask=(torch.arange(16).view(1, 1, 4, 4) // 3,) * 2)
    cells = _cells(2, grid.count)
    assert torch.equal(grid.smooth(cells, 7.0), cells)
    assert all(torch.equal(layout.smooth(cells, 7.0), cells) for layout in grid.layouts)


def test_total_variation_by_hand() -> None:
    checkerboard = (torch.arange(4)[:, None] + torch.arange(6)) % 2
    ramp = torch.linspace(0, 1, 6).expand(4, 6)
    masks = torch.stack([checkerboard.float(), torch.full((4, 6), 0.3), ramp]).unsqueeze(1)
    torch.testing.assert_close(total_variation(masks), torch.tensor([1.0, 0.0, 0.5 * 0.2]))


@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (2, 5), (2, 1, 1)], ids=str)
def test_without_neighbours_there_is_no_variation(shape) -> None:
    assert total_variation(torch.rand(shape)).tolist() == [0, 0]


def test_variation_ignores_axes_of_length_one_and_lies_the_same_in_both_directions() -> None:
    mask = torch.rand(1, 1, 1, 9, generator=Generator().manual_seed(0))
    torch.testing.assert_close(total_variation(mask), mask.diff(dim=3).abs().mean()[None])
    torch.testing.assert_close(total_variation(mask), total_variation(mask.transpose(2, 3)))


@pytest.mark.parametrize("size", [(9,), (9, 5), (5, 6, 7)], ids=str)
def test_resizing_stays_between_the_extremes_and_keeps_a_flat_mask(size) -> None:
    mask = torch.rand(2, 1, *(2 for _ in size), generator=Generator().manual_seed(0))
    large = resize(mask, size)
    assert large.shape == (2, 1, *size)
    assert mask.min() <= large.min()
    assert large.max() <= mask.max()
    torch.testing.assert_close(resize(torch.full_like(mask, 0.3), size), torch.full((2, 1, *size), 0.3))


def test_resizing_to_the_own_size_changes_nothing() -> None:
    mask = torch.rand(1, 1, 3, 4)
    assert resize(mask, (3, 4)) is mask
