"""Tiles lie where they should, maps over their pictures."""

import pytest
import torch

from captum_scd.report.pixels import CELLS, SIDE
from captum_scd.report.sheets import PAPER, contact_sheet


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3)])
def test_each_picture_and_its_map_lie_in_one_place(count, columns):
    pictures = [torch.full((3, 5 + k, 7), k / 10) for k in range(count)]
    maps = [torch.full((4, 3 + k), k / 10) for k in range(count)]
    sheet, marked = contact_sheet(pictures, maps)
    tile, cells = SIDE // columns, CELLS // columns
    assert sheet.shape == (3, columns * tile, columns * tile)
    for k in range(columns**2):
        row, column = divmod(k, columns)
        picture = sheet[:, row * tile : (row + 1) * tile - 2, column * tile : (column + 1) * tile - 2]
        one = marked[row * cells : (row + 1) * cells, column * cells : (column + 1) * cells]
        assert picture.unique().tolist() == pytest.approx([k / 10 if k < count else PAPER])
        assert one.unique().tolist() == pytest.approx([k / 10 if k < count else 0])


def test_where_there_is_no_picture_there_is_grey():
    sheet, marked = contact_sheet([None], [torch.ones(2, 2)])
    assert sheet[:, :-2, :-2].unique().tolist() == [0.5]
    assert (marked == 1).all()


def test_given_pictures_are_left_as_they_are():
    picture = torch.zeros(3, SIDE, SIDE)
    contact_sheet([picture], [torch.zeros(CELLS, CELLS)])
    assert not picture.any()


@pytest.mark.parametrize(("pictures", "maps"), [(0, 0), (10, 10), (2, 1)])
def test_there_are_one_to_nine_with_their_maps(pictures, maps):
    with pytest.raises(ValueError, match="1 to 9 pictures"):
        contact_sheet([None] * pictures, [torch.zeros(2, 2)] * maps)
