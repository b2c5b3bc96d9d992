"""Masks in 8 bits: 255 steps of the square root.

The root of a value is rounded, not the value. All three maps then come back within 1/255: at every pixel the
root of an interpolated mask is a weighted root mean square of the roots of its cells, so that it moves by no
more than they do, half a step; SSR and SDR are its square, the joint map the product of two such roots.
Rounding the values themselves would put the joint map off by up to 11/255 where one of its masks is near 0.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

STEPS = 255


def quantize(cells: Tensor) -> Any:
    """Values in [0, 1] -> uint8 array of the same shape.

    Raises:
        ValueError: for values outside [0, 1], or NaN.

    >>> quantize(torch.tensor([0.0, 0.25, 1.0]))
    array([  0, 128, 255], dtype=uint8)
    """
    values = cells.detach().cpu().double()
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("Expected masks in [0, 1], but they hold other values.")
    return (values.sqrt() * STEPS).round().to(torch.uint8).numpy()


def restore(steps: Any) -> Tensor:
    """Array of uint8 -> float32 values in [0, 1] of the same shape.

    >>> restore(np.array([0, 51, 255], dtype=np.uint8))
    tensor([0.0000, 0.0400, 1.0000])
    """
    return torch.from_numpy(np.asarray(steps, dtype=np.float64) / STEPS).square().float()
