"""Does a map lie where the truth is known to lie?

Regions are (N or 1, C or 1, *spatial), boolean or in [0, 1] with 1 inside; channels are united. Each example
needs at least one pixel inside. For boxes see `box_region`.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from captum_scd.metrics._maps import fitted_region, pixel_values, union, unit_values
from captum_scd.settings import check_number

CONVOLUTIONS = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}


def box_region(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Fill boxes, so that they can stand wherever a region or a mask is asked for.

    Args:
        boxes: (N, 4) integers x0, y0, x1, y1, the far edges exclusive, as `FIDOMasks.bounding_box` gives
            them; what lies beyond the image is cut off, and a box without width or height is empty.
        size: height and width of the image.

    Returns:
        (N, 1, height, width) boolean, True inside.

    Raises:
        ValueError: for boxes of another form, or that end before they begin.

    >>> box_region(torch.tensor([[1, 0, 3, 1]]), (2, 4)).int()[0, 0]
    tensor([[0, 1, 1, 0],
            [0, 0, 0, 0]], dtype=torch.int32)
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.is_floating_point() or boxes.dtype == torch.bool:
        raise ValueError(
            f"Expected boxes (N, 4) of integers, but got {boxes.dtype} of shape {tuple(boxes.shape)}."
        )
    x0, y0, x1, y1 = boxes[:, :, None].unbind(1)
    if (x1 < x0).any() or (y1 < y0).any():
        raise ValueError(
            f"Expected boxes x0, y0, x1, y1 with x0 <= x1 and y0 <= y1, but got {boxes.tolist()}."
        )
    rows, columns = (torch.arange(length, device=boxes.device) for length in size)
    inside = ((rows >= y0) & (rows < y1))[:, :, None] & ((columns >= x0) & (columns < x1))[:, None, :]
    return inside[:, None]


def pointing_game(attributions: Tensor, region: Tensor, tolerance: float = 15) -> Tensor:
    """Tell whether a map points at a region: its maximum is in it, or not far from it.

    The pointing game of Zhang et al. 2016 (Excitation Backprop, section 4.1), with their tolerance, which
    TorchRay keeps (Fong et al. 2019). Of several equal maxima each counts for its share: the chance that one
    drawn at random hits. So a flat map gets what pointing blindly would get, not what the order of the pixels
    in memory happens to give.

    Args:
        attributions: (N, C, *spatial); channels are summed.
        region: see above; a pixel is inside where it is above 0.
        tolerance: how far from the region a maximum still hits, in pixels of the map, centre to centre.
            The usual 15 is meant for photos at their own size (some 500 pixels wide); scale it with yours.

    Returns:
        (N,) 0 or 1, or between where maxima tie; larger is better.

    Raises:
        ValueError: for a map without spatial axes, a region that does not fit, or a negative tolerance.

    >>> found = torch.tensor([[[[0.0, 0.0, 0.0, 1.0]]]])
    >>> truth = torch.tensor([[[[True, True, False, False]]]])
    >>> pointing_game(found, truth, tolerance=1), pointing_game(found, truth, tolerance=2)
    (tensor([0.]), tensor([1.]))
    """
    check_number("tolerance", tolerance, positive=False)
    values = pixel_values(attributions)
    if values.ndim not in CONVOLUTIONS:
        raise ValueError(f"Expected attributions (N, C, *spatial), but got {tuple(attributions.shape)}.")
    target = _widened(fitted_region(region, values) > 0, tolerance)
    maxima = values == values.amax(tuple(range(1, values.ndim)), keepdim=True)
    return (maxima & target).flatten(1).float().sum(1) / maxima.flatten(1).sum(1)


def energy_pointing_game(attributions: Tensor, region: Tensor) -> Tensor:
    """Share of a map's positive energy that lies in a region (Wang et al. 2020, Score-CAM, section 4.3).

    Args:
        attributions: (N, C, *spatial); channels are summed, negative values count as zero.
        region: see above.

    Returns:
        (N,) in [0, 1], larger is better; 0 for a map without positive values. A flat map gets the
        region's share of the image.

    Raises:
        ValueError: if the region does not fit the map.

    >>> energy_pointing_game(torch.tensor([[[[3.0, 1.0]]]]), torch.tensor([[[[True, False]]]]))
    tensor([0.7500])
    """
    values = pixel_values(attributions)
    energy = values.clamp(min=0)
    return _ratio(energy * fitted_region(region, values), energy)


def iou(mask: Tensor, region: Tensor) -> Tensor:
    """Intersection over union of a mask and a region (Jaccard index).

    Soft masks are read as fuzzy sets, the intersection being the smaller of two values, the union the
    larger; cut them first (`FIDOMasks.threshold`) to ask about one threshold.

    Args:
        mask: (N, C or 1, *spatial), boolean or in [0, 1]; channels are united.
        region: see above. For a box `box_region(boxes, size)`, and for the IoU of two boxes both of them.

    Returns:
        (N,) in [0, 1], larger is better; 0 for an empty mask.

    Raises:
        ValueError: for a mask that is not in [0, 1], or a region that does not fit it.

    >>> iou(torch.tensor([[[[1, 1, 0, 0]]]]), torch.tensor([[[[0, 1, 1, 0]]]]))
    tensor([0.3333])
    """
    marked, inside = _pair(mask, region)
    return _ratio(torch.minimum(marked, inside), torch.maximum(marked, inside))


def precision(mask: Tensor, region: Tensor) -> Tensor:
    """Share of a mask that lies in a region; arguments and errors as for `iou`.

    Returns:
        (N,) in [0, 1], larger is better; 0 for an empty mask.

    >>> precision(torch.tensor([[[[1, 1, 0, 0]]]]), torch.tensor([[[[0, 1, 1, 1]]]]))
    tensor([0.5000])
    """
    marked, inside = _pair(mask, region)
    return _ratio(torch.minimum(marked, inside), marked)


def recall(mask: Tensor, region: Tensor) -> Tensor:
    """Share of a region that a mask covers; arguments and errors as for `iou`.

    Returns:
        (N,) in [0, 1], larger is better.

    >>> recall(torch.tensor([[[[1, 1, 0, 0]]]]), torch.tensor([[[[0, 1, 1, 1]]]]))
    tensor([0.3333])
    """
    marked, inside = _pair(mask, region)
    return _ratio(torch.minimum(marked, inside), inside)


def _pair(mask: Tensor, region: Tensor) -> tuple[Tensor, Tensor]:
    """Mask and region of one shape, (N, 1, *spatial)."""
    marked = union(unit_values(mask))
    return marked, fitted_region(region, marked).expand_as(marked)


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """Sum over sum of each example, 0 where there is nothing."""
    total = whole.flatten(1).sum(1)
    return part.flatten(1).sum(1) / total.where(total > 0, 1.0)


def _widened(inside: Tensor, radius: float) -> Tensor:
    """(N, 1, *spatial) boolean -> True wherever a True pixel is within `radius`."""
    reach = int(min(radius, max(inside.shape[2:])))
    offsets = torch.arange(-reach, reach + 1, device=inside.device) ** 2
    axes = inside.ndim - 2
    distances = sum(offsets.view(-1, *(1,) * axis) for axis in range(axes))
    disk = (torch.as_tensor(distances) <= radius**2).float()[None, None]
    return CONVOLUTIONS[inside.ndim](inside.float(), disk, padding=reach) > 0.5
