"""How small and how smooth a map is, without asking the model."""

from torch import Tensor

from captum_scd.grid import total_variation

__all__ = ["area", "total_variation"]


def area(mask: Tensor) -> Tensor:
    """Share of the image that a mask covers: its mean.

    Args:
        mask: (N, ...) in [0, 1], or boolean.

    Returns:
        (N,) in [0, 1]; smaller is more compact.

    Raises:
        ValueError: for values outside [0, 1].

    >>> area(torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]]))
    tensor([0.2500])
    """
    values = mask.float().flatten(1)
    if values.numel() and not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"Expected a mask in [0, 1], but got values from {values.min():g} to {values.max():g}."
        )
    return values.mean(1)
