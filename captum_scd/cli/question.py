"""What `explain` asks about every image, wherever the results go."""

import argparse
from dataclasses import dataclass

from captum_scd._errors import UsageError
from captum_scd.cli.arguments import chosen_device, settings, target_class
from captum_scd.cli.models import load_model, probe
from captum_scd.look_alikes import NEAREST
from captum_scd.photos import Normalization
from captum_scd.runs.classes import Classes, read_names
from captum_scd.runs.explaining import Explaining


@dataclass(frozen=True)
class Question:
    """A network, and what is asked of it.

    Attributes:
        explaining: the network with the settings that were asked for; its entries hold all that a folder
            keeps.
        classes: what the network's outputs mean.
        normalization: of its inputs.
        target: class to explain, None for the predicted one.
    """

    explaining: Explaining
    classes: Classes
    normalization: Normalization
    target: int | None

    @property
    def contrast(self) -> int | str | None:
        """Class b of "why a and not b?", `"nearest"` for the likeliest other classes, or None."""
        contrast: int | str | None = self.explaining.settings.get("contrast_target")
        return contrast


def question(options: argparse.Namespace) -> Question:
    """Load the network, and check the question against what it knows.

    Raises:
        UsageError: if the network cannot be loaded or explained, or does not know what is asked for.
    """
    names = read_names(options.classes)
    device = chosen_device(options.device)
    model = load_model(options.model).to(device)
    method = {} if options.infill is None else {"infill": options.infill}
    try:
        Explaining(model, {}, method)
    except ValueError as error:
        raise UsageError(str(error)) from error
    classes = Classes(probe(model, options.size, device), names)
    target = target_class(options, classes)
    contrast = _contrast(options.contrast, classes, target)
    asked = {**settings(options), **({} if contrast is None else {"contrast_target": contrast})}
    normalization = Normalization(tuple(options.mean), tuple(options.std))
    return Question(Explaining(model, asked, method, fully=True), classes, normalization, target)


def _contrast(text: str | None, classes: Classes, target: int | None) -> int | str | None:
    """Read what the target is contrasted with."""
    if text is None:
        return None
    if classes.count < 2:
        raise UsageError("Expected a model of two classes or more for --contrast, but it has one.")
    if text == NEAREST:
        return NEAREST
    contrast = classes.index("--contrast", text, f"{NEAREST!r}, ")
    if contrast == target:
        raise UsageError(f"Expected --contrast to be another class than --target, but both are {target}.")
    return contrast
