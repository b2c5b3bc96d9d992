"""What `explain` asks about every image, wherever the results go."""

import argparse
from dataclasses import dataclass

from captum_scd._errors import UsageError
from captum_scd.cli.arguments import settings, target_class
from captum_scd.cli.subject import subject
from captum_scd.look_alikes import NEAREST
from captum_scd.runs.classes import Classes
from captum_scd.runs.explaining import Explaining
from captum_scd.runs.subject import Subject


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


def question(options: argparse.Namespace) -> Question:
    """Load the network, and check the question against what it knows.

    Raises:
        UsageError: as `subject` does, and if it does not know what is asked for.
    """
    asked = subject(options)
    target = target_class(options, asked.classes)
    contrast = _contrast(options.contrast, asked.classes, target)
    numbers = {**settings(options), **({} if contrast is None else {"contrast_target": contrast})}
    method = {} if options.infill is None else {"infill": options.infill}
    try:
        return Question(asked, Explaining(asked.model, numbers, method, fully=True), target)
    except ValueError as error:
        raise UsageError(str(error)) from error


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
