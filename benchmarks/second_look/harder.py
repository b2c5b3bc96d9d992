"""Photos made harder: the object small and off the middle, alone or among clutter."""

import torch
from torch import Generator, Tensor

from captum_scd import infill

SIDE = 2
"""A canvas is this many times as high and wide as the photo on it."""


def off_centre(photo: Tensor, place: Generator) -> Tensor:
    """Put a photo (1, 3, H, W) at a random place on a canvas (1, 3, 2 H, 2 W) of its own colours, blurred."""
    large = photo.repeat_interleave(SIDE, dim=2).repeat_interleave(SIDE, dim=3)
    canvas = infill.blur(large, sigma=30.0)
    height, width = photo.shape[2:]
    y, x = (int(torch.randint(length * (SIDE - 1) + 1, (1,), generator=place)) for length in (height, width))
    canvas[:, :, y : y + height, x : x + width] = photo
    return canvas


def cluttered(photo: Tensor, others: Tensor, place: Generator) -> Tensor:
    """Put a photo (1, 3, H, W) into a corner of a canvas, and shuffled patches of three others beside it.

    Patches are small enough that no object of the other photos is left whole.
    """
    rest = torch.cat([infill.shuffle(other[None], place, patch=32.0) for other in others])
    cells = list(torch.cat([photo, rest]).unbind())
    corner = int(torch.randint(len(cells), (1,), generator=place))
    cells[0], cells[corner] = cells[corner], cells[0]
    rows = [torch.cat(cells[start : start + SIDE], dim=2) for start in (0, SIDE)]
    return torch.cat(rows, dim=1)[None]
