"""Several pictures on one, with their maps in the same places."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from captum_scd.report.pixels import CELLS, SIDE

MOST = 9
"""Pictures on a sheet."""

PAPER = 0.9
"""Grey of the gaps, and of places without a picture."""


def contact_sheet(pictures: Sequence[Tensor | None], maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Lay out pictures in rows, as many as there are columns, each as a square.

    Args:
        pictures: (3, H, W) in [0, 1] each, of any size; None where there is only a map. Up to `MOST`.
        maps: (h, w) in [0, 1] each, one a picture.

    Returns:
        The sheet (3, side, side), and its map (cells, cells), 0 where there is no picture.

    Raises:
        ValueError: for no picture, more than `MOST`, or another number of maps.

    >>> sheet, marked = contact_sheet([torch.zeros(3, 8, 8)] * 4, [torch.ones(2, 2)] * 4)
    >>> sheet.shape, marked.shape
    (torch.Size([3, 320, 320]), torch.Size([64, 64]))
    """
    if not 0 < len(pictures) <= MOST or len(maps) != len(pictures):
        raise ValueError(
            f"Expected 1 to {MOST} pictures and as many maps, but got {len(pictures)} and {len(maps)}."
        )
    columns = next(side for side in range(1, MOST + 1) if side**2 >= len(pictures))
    tile, cells = SIDE // columns, CELLS // columns
    sheet = torch.full((3, columns * tile, columns * tile), PAPER, dtype=torch.float32, device="cpu")
    marked = torch.zeros(columns * cells, columns * cells, dtype=torch.float32, device="cpu")
    for place, (picture, one) in enumerate(zip(pictures, maps, strict=True)):
        row, column = divmod(place, columns)
        _put(sheet, _framed(picture, tile), row * tile, column * tile)
        _put(marked[None], _resized(one[None], cells), row * cells, column * cells)
    return sheet, marked


def _framed(picture: Tensor | None, side: int) -> Tensor:
    """Resize, with a gap at the right and below."""
    tile = (
        torch.full((3, side, side), 0.5, dtype=torch.float32, device="cpu")
        if picture is None
        else _resized(picture, side)
    )
    tile = tile.clone()
    tile[:, -2:], tile[:, :, -2:] = PAPER, PAPER
    return tile


def _resized(image: Tensor, side: int) -> Tensor:
    """(C, H, W) -> (C, side, side), antialiased."""
    values = image.float()[None]
    resized = F.interpolate(values, size=(side, side), mode="bilinear", antialias=True)
    return resized[0].clamp(0, 1)


def _put(sheet: Tensor, tile: Tensor, top: int, left: int) -> None:
    sheet[:, top : top + tile.shape[1], left : left + tile.shape[2]] = tile
