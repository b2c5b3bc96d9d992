"""Boxes of many sizes, cut out and brought to one."""

import torch
from torch import Tensor


def crop_resize(images: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut a box of its own out of each image, and resize all of them in one go.

    Bilinear and antialiased, as if each box had been cut out and resized by itself: every row and column of
    the result is a weighted mean of the box's. The box around the whole image gives the image itself where
    the size is the image's.

    Args:
        images: (N, C, H, W).
        boxes: (N, 4) x0, y0, x1, y1 in pixels, the far edges exclusive, fractions allowed, inside the image.
        size: height and width of the result.

    Returns:
        (N, C, *size) of the images' dtype; computed in float32 at least. Differentiable in the images.

    Raises:
        ValueError: for boxes that do not fit the images, or are empty.

    >>> images = torch.arange(16.0).view(1, 1, 4, 4)
    >>> crop_resize(images, torch.tensor([[1, 0, 3, 2]]), (2, 2))
    tensor([[[[1., 2.],
              [5., 6.]]]])
    """
    _check(images, boxes)
    wide = images if images.dtype == torch.float64 else images.float()
    edges = boxes.to(wide)
    rows = _weights(edges[:, 1], edges[:, 3], images.shape[2], size[0])
    columns = _weights(edges[:, 0], edges[:, 2], images.shape[3], size[1])
    return torch.einsum("nyh,nchw,nxw->ncyx", rows, wide, columns).to(images.dtype)


def _weights(start: Tensor, end: Tensor, length: int, count: int) -> Tensor:
    """Write the resampling of a stretch of an axis as a matrix for each example, (N, count, length).

    Triangles as wide as a step of the result, or as a pixel where that is wider, cut off at the box's edges;
    each row sums to 1.
    """
    step = ((end - start) / count)[:, None, None]
    places = torch.arange(count, device=start.device, dtype=start.dtype)[:, None]
    pixels = torch.arange(length, device=start.device, dtype=start.dtype)
    centers = start[:, None, None] + (places + 0.5) * step - 0.5
    near = (1 - (pixels - centers).abs() / step.clamp(min=1)).clamp(min=0)
    inside = (pixels + 1 > start[:, None, None]) & (pixels < end[:, None, None])
    weights = near * inside
    return weights / weights.sum(2, keepdim=True)


def _check(images: Tensor, boxes: Tensor) -> None:
    if images.ndim != 4 or tuple(boxes.shape) != (len(images), 4):
        raise ValueError(
            "Expected images (N, C, H, W) and boxes (N, 4), "
            f"but got {tuple(images.shape)} and {tuple(boxes.shape)}."
        )
    size = boxes.new_tensor((images.shape[3], images.shape[2]))
    fits = (boxes[:, :2] >= 0) & (boxes[:, :2] < boxes[:, 2:]) & (boxes[:, 2:] <= size)
    if not fits.all():
        wrong = boxes[~fits.all(1)][0].tolist()
        raise ValueError(
            "Expected boxes x0 < x1, y0 < y1 inside an image "
            f"{images.shape[3]} wide and {images.shape[2]} high, but got {wrong}."
        )
