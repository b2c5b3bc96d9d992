"""What the model says of an image of which only a part is there."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from captum_scd._captum import Baselines, Target
from captum_scd._warnings import once
from captum_scd.masks import THRESHOLD, FIDOMasks
from captum_scd.metrics._asking import asked, seen_through
from captum_scd.metrics._maps import unit_values
from captum_scd.metrics._ranking import ranked

Areas = float | Sequence[float] | Tensor


def probability_kept(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    areas: Areas,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    internal_batch_size: int = 64,
) -> Tensor:
    """Ask what is kept of the class when only the most important pixels of a map are shown.

    A point of the insertion curve (see `insertion_deletion`) at each area; `sufficient_area` turned round.

    Args:
        forward_func, inputs, attributions, baselines, target, additional_forward_args,
            internal_batch_size: as for `insertion_deletion`.
        areas: shares of the image shown, in [0, 1]: A numbers for all examples, or (N, A).

    Returns:
        (N, A) probability of the target relative to that of the whole image, in [0, 1]; larger is better.

    Raises:
        ValueError: for areas out of their range; all else as for `insertion_deletion`.

    >>> model = nn.Linear(4, 2, bias=False)
    >>> _ = model.weight.data.copy_(torch.tensor([[8.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
    >>> x = torch.ones(1, 4)
    >>> probability_kept(model, x, torch.tensor([[4.0, 3.0, 2.0, 1.0]]), [0.0, 0.25, 1.0], target=0)
    tensor([[0.5001, 0.9998, 1.0000]])
    """
    with ranked(
        forward_func, inputs, attributions, baselines, target, additional_forward_args, internal_batch_size
    ) as ranking:
        return ranking.kept(_shares(areas, inputs), insert=True)


def probability_left(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    areas: Areas,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    internal_batch_size: int = 64,
) -> Tensor:
    """Ask what is left of the class when the most important pixels of a map are taken away.

    A point of the deletion curve (see `insertion_deletion`) at each area; `destroying_area` turned round.

    Args:
        forward_func, inputs, attributions, baselines, target, additional_forward_args,
            internal_batch_size: as for `insertion_deletion`.
        areas: shares of the image taken away, in [0, 1]: A numbers for all examples, or (N, A).

    Returns:
        (N, A) probability of the target relative to that of the whole image, in [0, 1]; smaller is better.

    Raises:
        ValueError: for areas out of their range; all else as for `insertion_deletion`.

    >>> model = nn.Linear(4, 2, bias=False)
    >>> _ = model.weight.data.copy_(torch.tensor([[8.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
    >>> x = torch.ones(1, 4)
    >>> probability_left(model, x, torch.tensor([[4.0, 3.0, 2.0, 1.0]]), [0.0, 0.25, 1.0], target=0)
    tensor([[1.0000, 0.7311, 0.5001]])
    """
    with ranked(
        forward_func, inputs, attributions, baselines, target, additional_forward_args, internal_batch_size
    ) as ranking:
        return ranking.kept(_shares(areas, inputs), insert=False)


def probability_under(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    mask: Tensor,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    internal_batch_size: int = 64,
) -> Tensor:
    """Ask the model about the image seen through a mask, mask * inputs + (1 - mask) * baseline.

    Args:
        forward_func, inputs, baselines, target, additional_forward_args, internal_batch_size: as for
            `insertion_deletion`.
        mask: broadcastable to the inputs, in [0, 1] or boolean; 1 keeps the pixel.

    Returns:
        (N,) probability of the target in [0, 1], not divided by that of the whole image; larger is better
        for what is said to be enough, smaller for what is left outside a region said to be needed.

    Raises:
        ValueError: for a mask that does not broadcast or is not in [0, 1]; all else as for
            `insertion_deletion`.

    >>> model = nn.Linear(4, 2, bias=False)
    >>> _ = model.weight.data.copy_(torch.tensor([[8.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
    >>> x = torch.ones(1, 4)
    >>> probability_under(model, x, torch.tensor([[1, 0, 0, 0]]), target=0)
    tensor([0.9997])
    """
    with asked(
        forward_func, inputs, baselines, target, additional_forward_args, internal_batch_size
    ) as composites:
        return seen_through(composites, _broadcast(unit_values(mask), inputs))


def mask_probabilities(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    masks: FIDOMasks,
    target: Target = None,
    additional_forward_args: object = None,
    threshold: float = THRESHOLD,
) -> dict[str, Tensor]:
    """Measure the probability of the class where only the SSR is shown, and where the SDR is removed.

    A mask that fails this test looks no different from others.

    Args:
        forward_func, inputs, target, additional_forward_args: as the masks were learned with.
        masks: with their infill.
        threshold: where they are cut, in [0, 1].

    Returns:
        Probability (N,) of the target of the whole `"image"`, of the bare `"infill"`, with the `"ssr"` alone
        (should be near that of the image), and without the `"sdr"` (should be near 0). Where the infill
        alone keeps the class, both say little. `visualization.masks_figure` takes these.

    Raises:
        ValueError: for masks without an infill; all else as for `probability_under`.

    >>> model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> x = torch.zeros(1, 3, 4, 4)
    >>> x[:, 0, :2, :2] = 40
    >>> cells = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    >>> masks = FIDOMasks(cells, cells, size=(4, 4), infill=torch.zeros_like(x))
    >>> {name: round(p.item(), 2) for name, p in mask_probabilities(model, x, masks, 0).items()}
    {'image': 1.0, 'infill': 0.33, 'ssr': 1.0, 'sdr': 0.33}
    """
    if masks.infill is None:
        raise ValueError("Expected masks with their infill, but these have none; learn them, or load them.")
    whole = torch.ones_like(inputs, dtype=torch.bool)
    shown = {"image": whole, "infill": ~whole, **shown_by(masks, threshold)}
    with once():
        return {
            name: probability_under(forward_func, inputs, mask, masks.infill, target, additional_forward_args)
            for name, mask in shown.items()
        }


def shown_by(masks: FIDOMasks, threshold: float) -> dict[str, Tensor]:
    """Cut masks as what is shown: `ssr` alone, and all but `sdr`; booleans, 1 keeps."""
    return {"ssr": masks.threshold(threshold, "ssr"), "sdr": ~masks.threshold(threshold, "sdr")}


def _broadcast(mask: Tensor, inputs: Tensor) -> Tensor:
    try:
        broadcast: Tensor = torch.broadcast_to(mask, inputs.shape)
    except RuntimeError as error:
        raise ValueError(
            f"Expected a mask that broadcasts to inputs of shape {tuple(inputs.shape)}, "
            f"but got {tuple(mask.shape)}."
        ) from error
    return broadcast


def _shares(areas: Areas, inputs: Tensor) -> Tensor:
    """Areas in any form -> (N, A)."""
    shares: Tensor = torch.atleast_1d(torch.as_tensor(areas, dtype=torch.float32, device=inputs.device))
    if shares.numel() == 0 or shares.ndim > 2 or (shares.ndim == 2 and len(shares) != len(inputs)):
        raise ValueError(
            f"Expected `areas` to be (A,) or ({len(inputs)}, A), but got shape {tuple(shares.shape)}."
        )
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"Expected `areas` in [0, 1], but got {shares.tolist()}.")
    return shares.expand(len(inputs), -1)
