"""What is asked of a network, and how photos are brought before it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from captum_scd import visualization
from captum_scd.photos.preparing import Normalization, Preparation, View
from captum_scd.runs.classes import Classes
from captum_scd.runs.explaining import Explaining


@dataclass(frozen=True)
class Subject:
    """A network, and how photos are brought before it.

    Attributes:
        model: gives logits (1, classes) of normalised RGB; in eval mode, on `device`.
        classes: what its outputs mean.
        prepare: from a photo to what the network gets to see.
        normalization: of its inputs.
        device: where the network runs.
    """

    model: nn.Module
    classes: Classes
    prepare: Preparation
    normalization: Normalization
    device: torch.device

    def inputs(self, view: View) -> Tensor:
        """Make of a view what the network takes, on its device."""
        return self.normalization(view.pixels.to(self.device))

    def picture(self, inputs: Tensor | None) -> Tensor:
        """Make of what the network takes, such as an infill, pictures with values in [0, 1]."""
        assert inputs is not None
        return visualization.denormalize(inputs, self.normalization.mean, self.normalization.std)


@dataclass(frozen=True)
class Question:
    """A network, and what is asked of it.

    Attributes:
        subject: the network.
        explaining: explains by the settings that were asked for; its entries hold all that a folder keeps.
        target: class to explain, None for the predicted one.
    """

    subject: Subject
    explaining: Explaining
    target: int | None

    @property
    def contrast(self) -> int | str | None:
        """Class b of "why a and not b?", `"nearest"` for the likeliest other classes, or None."""
        contrast: int | str | None = self.explaining.settings.get("contrast_target")
        return contrast
