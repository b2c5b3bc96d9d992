"""Where masks lie: on an object, and where those of other classes never do."""

import torch
from torch import Tensor
from torch.nn import functional as F

from captum_scd.metrics import energy_pointing_game

CUT = 0.5
"""Where the joint map is cut. What lies below is a haze over the whole image that drowns the rest: without
the cut, a network that looks at a label card in the corner seems to look in the usual place."""

CELLS = 28
"""Rows and columns of a look."""

MASS = 0.9
"""Share of other classes' looks that the usual place holds."""


def kept(joint: Tensor, cut: float = CUT) -> Tensor:
    """Leave what reaches the cut, in [0, 1], as it is, and nothing else; same shape."""
    return joint.where(joint >= cut, 0.0)


def look(joint: Tensor, cut: float = CUT) -> Tensor:
    """Bring what reaches the cut to one grid, whatever the image's size.

    Args:
        joint: (H, W) in [0, 1], 1 = important.
        cut: where it is cut, in (0, 1].

    Returns:
        (CELLS, CELLS) in [0, 1], each cell the mean over its part of the image.

    >>> joint = torch.full((56, 84), 0.4)
    >>> joint[:2, :3] = 0.8
    >>> found = look(joint)
    >>> found.shape, found[0, 0], found.count_nonzero()
    (torch.Size([28, 28]), tensor(0.8000), tensor(1))
    """
    return F.interpolate(kept(joint.float(), cut)[None, None], size=(CELLS, CELLS), mode="area")[0, 0]


def share_on(joint: Tensor, region: Tensor, cut: float = CUT) -> float | None:
    """Share of the kept joint map that lies on an object.

    Args:
        joint: (H, W) in [0, 1], 1 = important.
        region: (H, W), boolean or in [0, 1], 1 on the object.
        cut: where the joint map is cut, in (0, 1].

    Returns:
        In [0, 1]; a map that lies anywhere has the object's share of the image. None where nothing reaches
        the cut.

    Raises:
        ValueError: if the region has another shape, or is empty.

    >>> share_on(torch.tensor([[1.0, 0.6], [0.6, 0.4]]), torch.tensor([[1, 0], [0, 0]]))
    0.45454543828964233
    """
    left = kept(joint, cut)
    if not left.any():
        return None
    return energy_pointing_game(left[None, None], region[None, None]).item()


def centre(look: Tensor) -> tuple[float, float] | None:
    """Mean place of a look, x from the left and y from the top, in [0, 1]; None for an empty one.

    >>> centre(torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
    (0.75, 0.5)
    """
    total = look.sum()
    if not total > 0:
        return None
    places = [
        (torch.arange(length, dtype=torch.float32, device=look.device) + 0.5) / length
        for length in look.shape
    ]
    y, x = ((look.sum(other) * place).sum() / total for other, place in zip((1, 0), places, strict=True))
    return x.item(), y.item()


def usual_place(mean: Tensor, mass: float = MASS) -> Tensor:
    """Find the fewest cells that hold a share of a mean look.

    Args:
        mean: (cells, cells), at least 0.
        mass: the share, in (0, 1].

    Returns:
        (cells, cells) boolean.

    >>> usual_place(torch.tensor([[6.0, 3.0], [1.0, 0.0]]))
    tensor([[ True,  True],
            [False, False]])
    """
    values, order = mean.flatten().double().sort(descending=True, stable=True)
    before = values.cumsum(0) - values
    inside = before < mass * values.sum() * (1 - 1e-9)
    return torch.zeros_like(inside).scatter(0, order, inside).view_as(mean)


def elsewhere(looks: Tensor, classes: Tensor) -> Tensor:
    """Share of each look that lies outside the usual place of all other classes' looks.

    The usual place of other classes holds `MASS` of their mean look, in which every class counts the same.

    Args:
        looks: (N, cells, cells), at least 0.
        classes: (N,) whole numbers.

    Returns:
        (N,) in [0, 1]; a class that looks where the others do has 1 - `MASS`. NaN for an empty look, and
        where there is no other class.
    """
    shares = looks / looks.sum((1, 2), keepdim=True)
    seen = looks.flatten(1).any(1)
    names = classes[seen].unique()
    means = torch.stack([shares[seen & (classes == name)].mean(0) for name in names]) if len(names) else looks
    result = torch.full((len(looks),), torch.nan, dtype=torch.float32, device="cpu")
    for place, name in enumerate(names if len(names) > 1 else []):
        usual = usual_place(means.sum(0) - means[place])
        rows = seen & (classes == name)
        result[rows] = (shares[rows] * ~usual).sum((1, 2)).float()
    return result
