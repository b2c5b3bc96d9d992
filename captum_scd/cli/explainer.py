"""Explaining one image: what the network says, the masks, and what it says through them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from captum_scd._errors import ImageError, UsageError, one_line
from captum_scd.attribution import FIDOAttribution
from captum_scd.cli import verdicts
from captum_scd.cli.classes import Classes
from captum_scd.masks import FIDOMasks
from captum_scd.metrics.probability import shown_by
from captum_scd.passes import counted
from captum_scd.photos import Normalization, View
from captum_scd.provenance import versions
from captum_scd.runs.facts import (
    THRESHOLD,
    class_probabilities,
    cut_areas,
    probabilities_shown,
)


@dataclass(frozen=True)
class Explanation:
    """What is known about one image.

    Attributes:
        masks: of this one image, on the CPU.
        facts: everything in numbers and names, as JSON can hold it.
    """

    masks: FIDOMasks
    facts: dict[str, Any]


@dataclass(frozen=True)
class Explainer:
    """A network with the question that is asked of every image.

    Attributes:
        model: gives logits (1, classes) of normalised RGB; in eval mode, on `device`.
        classes: what its outputs mean.
        normalization: of its inputs.
        target: class to explain, None for the predicted one.
        contrast: class b of "why a and not b?", `"nearest"` for the likeliest other classes, or None.
        method: options of `FIDOAttribution`, only those that were asked for.
        settings: options of its `attribute`, only those that were asked for.
        device: where the network runs.
    """

    model: nn.Module
    classes: Classes
    normalization: Normalization
    target: int | None
    contrast: int | str | None
    method: Mapping[str, Any]
    settings: Mapping[str, Any]
    device: torch.device

    def __call__(self, view: View) -> Explanation:
        """Explain what the network sees in a view.

        Raises:
            ImageError: if the network's answer is not finite, or is the contrast class itself.
        """
        start = time.perf_counter()
        inputs = self.normalization(view.pixels.to(self.device))
        with counted(self.model) as passes:
            probabilities = class_probabilities(self.model, inputs)[0]
            predicted = int(probabilities.argmax())
            target = predicted if self.target is None else self.target
            if target == self.contrast:
                raise ImageError(
                    f"it is predicted to be {self.classes.label(target)}, the contrast class itself"
                )
            masks = self._masks(inputs, target)
            seen = _probabilities(self.model, inputs, masks, target)
        return Explanation(
            masks.to("cpu"),
            {
                "predicted": {
                    **self.classes.record(predicted),
                    "probability": probabilities[predicted].item(),
                },
                "target": self.classes.record(target),
                "contrast": self._look_alikes(masks),
                "probability": seen,
                **verdicts.record(masks),
                **_further(masks),
                **_extents(masks, view),
                "settings": dict(masks.settings),
                "seed": masks.seed,
                "versions": versions(),
                "seconds": round(time.perf_counter() - start, 3),
                "passes": passes.total,
            },
        )

    def _masks(self, inputs: Tensor, target: int) -> FIDOMasks:
        fido = FIDOAttribution(self.model, **self.method)
        contrast = {} if self.contrast is None else {"contrast_target": self.contrast}
        _, masks = fido.attribute(inputs, target=target, return_masks=True, **contrast, **self.settings)
        checked: FIDOMasks = masks
        return checked

    def _look_alikes(self, masks: FIDOMasks) -> list[dict[str, Any]] | None:
        """The classes that the target was contrasted with, likeliest first where the network chose them."""
        used = masks.settings["contrast_target"]
        return None if used is None else [self.classes.record(one) for one in used[0]]


def probe(model: nn.Module, size: int, device: torch.device) -> int:
    """Ask the network once about a grey image, and return its number of classes.

    Raises:
        UsageError: if it does not take (1, 3, size, size), does not give logits (1, classes), or lets no
            gradient through.
    """
    shape = (1, 3, size, size)
    try:
        output = model(torch.zeros(shape, device=device, requires_grad=True))
    except Exception as error:
        raise UsageError(
            f"Expected the model to take images {shape}, but it raised {one_line(error)}."
        ) from error
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != 1:
        came = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise UsageError(f"Expected the model to return logits of shape (1, classes), but got {came}.")
    if not output.requires_grad:
        raise UsageError("Expected a model that can be differentiated, but no gradient reaches the image.")
    return output.shape[1]


def _probabilities(model: nn.Module, inputs: Tensor, masks: FIDOMasks, target: int) -> dict[str, float]:
    """Probability of the target: whole image, cut masks at work, soft masks at work."""
    shown = {
        "image": torch.ones_like(masks.ssr),
        **shown_by(masks, THRESHOLD),
        "ssr_soft": masks.ssr,
        "sdr_soft": 1 - masks.sdr,
        "infill": torch.zeros_like(masks.ssr),
    }
    seen = probabilities_shown(model, inputs, masks.infill, shown, target)
    return {name: values[0].item() for name, values in seen.items()}


def _further(masks: FIDOMasks) -> dict[str, Any]:
    """Areas and verdicts of further regions, where they were asked for."""
    found = [{"area": _areas(one), **verdicts.record(one)} for one in masks.alternatives]
    return {"alternatives": found} if found else {}


def _areas(masks: FIDOMasks) -> dict[str, float]:
    return {mode: values[0].item() for mode, values in cut_areas(masks).items()}


def _extents(masks: FIDOMasks, view: View) -> dict[str, Any]:
    """Where the cut masks lie and how large they are."""
    box = masks.bounding_box(THRESHOLD)[0].tolist()
    empty = box[2] == 0
    return {
        "threshold": THRESHOLD,
        "area": _areas(masks),
        "box": None if empty else box,
        "photo": {
            "size": list(view.photo),
            "crop": list(view.crop),
            "box": None if empty else view.on_photo(box),
        },
    }
