"""Does a map lie where the truth is known to lie?"""

from torch import Tensor


def energy_pointing_game(attributions: Tensor, region: Tensor) -> Tensor:
    """Share of a map's positive energy that lies in a region (Wang et al. 2020, Score-CAM, section 4.3).

    Args:
        attributions: (N, C, *spatial); channels are summed, negative values count as zero.
        region: (N or 1, C or 1, *spatial) boolean or in [0, 1], 1 inside the region.

    Returns:
        (N,) in [0, 1], larger is better; 0 for a map without positive values.

    Raises:
        ValueError: if the region does not broadcast to the map.

    >>> energy_pointing_game(torch.tensor([[[[3.0, 1.0]]]]), torch.tensor([[[[True, False]]]]))
    tensor([0.7500])
    """
    energy = attributions.float().sum(1, keepdim=True).clamp(min=0)
    inside = region.float().amax(1, keepdim=True)
    if inside.shape[1:] != energy.shape[1:] or len(inside) not in (1, len(energy)):
        raise ValueError(
            f"Expected a region that fits maps of shape {tuple(attributions.shape)}, "
            f"but got {tuple(region.shape)}."
        )
    total = energy.flatten(1).sum(1)
    return (energy * inside).flatten(1).sum(1) / total.where(total > 0, 1.0)
