"""What the kept part of an image looks like, in a few numbers and without a network."""

import torch
from torch import Tensor

from captum_scd.systematic.places import CUT, kept


def appearance(picture: Tensor, joint: Tensor, cut: float = CUT) -> Tensor:
    """Describe colours and texture under a mask, and not its place.

    The place is left out on purpose: groups that are formed without it can be asked, honestly, whether they
    lie in an unusual one.

    Args:
        picture: (3 or 1, H, W) in [0, 1].
        joint: (H, W) in [0, 1], 1 = important; nothing below the cut counts.
        cut: where the joint map is cut, in (0, 1].

    Returns:
        (10,): mean and standard deviation of lightness, red against green and yellow against blue, and the
        mean strength of edges across, down and along both diagonals. All zero where nothing reaches the cut.

    Raises:
        ValueError: if the two have different sizes.

    >>> red = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1).expand(3, 4, 4)
    >>> appearance(red, torch.ones(4, 4))[:3]
    tensor([0.3333, 1.0000, 0.5000])
    """
    if picture.ndim != 3 or picture.shape[0] not in (1, 3) or picture.shape[1:] != joint.shape:
        raise ValueError(
            "Expected `picture` (3 or 1, H, W) and `joint` (H, W), "
            f"but got {tuple(picture.shape)} and {tuple(joint.shape)}."
        )
    left = kept(joint.float(), cut)
    weight = left / left.sum().clamp(min=1e-9)
    colours = _opponents(picture.float().expand(3, -1, -1))
    mean = (colours * weight).sum((1, 2))
    deviation = ((colours - mean[:, None, None]) ** 2 * weight).sum((1, 2)).sqrt()
    edges = torch.stack([(edge * weight).sum() for edge in _edges(colours[0])])
    return torch.cat([mean, deviation, edges])


def _opponents(picture: Tensor) -> Tensor:
    """RGB -> lightness, red against green, yellow against blue."""
    red, green, blue = picture
    return torch.stack([picture.mean(0), red - green, (red + green) / 2 - blue])


def _edges(lightness: Tensor) -> tuple[Tensor, ...]:
    """Strength of edges in four directions, (H, W) each."""
    across, down = torch.zeros_like(lightness), torch.zeros_like(lightness)
    across[:, :-1] = lightness[:, 1:] - lightness[:, :-1]
    down[:-1] = lightness[1:] - lightness[:-1]
    diagonals = ((across + down).abs() / 2**0.5, (across - down).abs() / 2**0.5)
    return across.abs(), down.abs(), *diagonals
