"""CutMix (Yun et al. 2019, arXiv 1905.04899): a part of each image is replaced by that of another one.

It mixes images, as in the paper, and not the maps of the frozen stem, whose every place has seen most of
the image: a part that is pasted over there hides nothing. The stem runs anew on what was mixed.
"""

import torch
from torch import Tensor

Box = tuple[int, int, int, int]
"""First row, first column, row and column behind the last."""


def cutmix(images: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Mix a batch with itself in another order (equation 1, with alpha = 1); draws from torch's generator.

    Args:
        images: (N, 3, H, W).
        truth: probabilities (N, classes).

    Returns:
        Images with the same box of another one, and truth mixed by the area that was pasted.
    """
    height, width = images.shape[2:]
    box, order = draw_box(height, width), torch.randperm(len(images))
    return paste(images, truth, order, box)


def draw_box(height: int, width: int) -> Box:
    """Draw a box (equation 2): any area, evenly, and any centre; what sticks out is cut off."""
    share, y, x = torch.rand(3).tolist()
    high, wide = height * share**0.5, width * share**0.5
    rows = (round(place) for place in (y * height - high / 2, y * height + high / 2))
    columns = (round(place) for place in (x * width - wide / 2, x * width + wide / 2))
    (top, bottom), (left, right) = rows, columns
    return max(top, 0), max(left, 0), min(bottom, height), min(right, width)


def paste(images: Tensor, truth: Tensor, order: Tensor, box: Box) -> tuple[Tensor, Tensor]:
    """Paste the box of the images in another order, and mix their truth by its area."""
    top, left, bottom, right = box
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[order, :, top:bottom, left:right]
    pasted = (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])
    return mixed, (1 - pasted) * truth + pasted * truth[order]
