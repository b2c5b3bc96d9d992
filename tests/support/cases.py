"""Cases whose looks, errors and appearance are known."""

from typing import Any

import torch
from torch import Generator, Tensor

from captum_scd.systematic import Case
from captum_scd.systematic.places import CELLS

CLASSES = 4


def spot(row: float, column: float, side: int = 6) -> Tensor:
    """A look that is 1 in a square about a place in [0, 1], and 0 elsewhere."""
    look = torch.zeros(CELLS, CELLS)
    y, x = (min(max(round(place * CELLS) - side // 2, 0), CELLS - side) for place in (row, column))
    look[y : y + side, x : x + side] = 1
    return look


def cases(count: int = 60, seed: int = 0, **changes: Any) -> list[Case]:
    """Cases of four classes that take turns; each looks somewhere about the middle, and looks like anything.

    `changes` are functions from a case's number to what an attribute is to be instead.
    """
    generator = Generator().manual_seed(seed)
    places = 0.3 + 0.4 * torch.rand(count, 2, generator=generator)
    features = torch.randn(count, 5, generator=generator)
    return [
        Case(
            **{
                "key": f"image {k}",
                "look": spot(*places[k].tolist()),
                "explained": k % CLASSES,
                "predicted": k % CLASSES,
                "label": k % CLASSES,
                "probability": 0.9,
                "features": features[k],
                **{name: of(k) for name, of in changes.items()},
            }
        )
        for k in range(count)
    ]
