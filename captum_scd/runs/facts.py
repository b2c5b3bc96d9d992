"""What the network says of images and through their masks, in numbers."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from captum_scd._errors import ImageError
from captum_scd.forward import copied
from captum_scd.masks import MODES, THRESHOLD, FIDOMasks
from captum_scd.metrics import area, probability_under
from captum_scd.network import in_plain_words
from captum_scd.outputs import logits_in
from captum_scd.scoring import as_probabilities


def class_probabilities(model: nn.Module, inputs: Tensor) -> Tensor:
    """Ask the network about images, (N, ...) -> (N, classes).

    Raises:
        ImageError: if an answer is not finite.
    """
    with torch.no_grad(), in_plain_words(model, (inputs,), len(inputs)):
        return probabilities_of(model, logits_in(model(copied(inputs))))


def probabilities_of(model: nn.Module, outputs: Tensor) -> Tensor:
    """Turn the network's answer into probabilities, (N, classes).

    Raises:
        ImageError: if it is not finite.
    """
    probabilities = as_probabilities(model, outputs)
    if not probabilities.isfinite().all():
        raise ImageError("the network's answer holds NaN or infinity")
    return probabilities


def probabilities_shown(
    model: nn.Module,
    inputs: Tensor,
    infill: Tensor | None,
    shown: Mapping[str, Tensor],
    target: list[int] | None,
) -> dict[str, Tensor]:
    """Probability (N,) of the target where each of these masks, 1 keeps, says what is shown of the images.

    Raises:
        ImageError: if an answer is NaN.
    """
    seen = {
        name: probability_under(model, inputs, mask.to(inputs), infill, target=target)
        for name, mask in shown.items()
    }
    if any(values.isnan().any() for values in seen.values()):
        raise ImageError("the network's answer to a masked image holds NaN")
    return seen


def row_of(columns: Mapping[str, Tensor], row: int) -> dict[str, float]:
    """Take what columns (N,) hold of one image."""
    return {name: values[row].item() for name, values in columns.items()}


def cut_areas(masks: FIDOMasks) -> dict[str, Tensor]:
    """Share (N,) of the image that each mask covers, cut at `THRESHOLD`."""
    return {mode: area(masks.threshold(THRESHOLD, mode)) for mode in MODES}
