"""From the options of commands over photos to the network, and to what is asked of it."""

import argparse

from captum_scd._errors import UsageError
from captum_scd.cli.arguments import (
    chosen_device,
    normalization,
    preparation,
    settings,
    strategies,
    target_class,
)
from captum_scd.cli.models import load, probe
from captum_scd.look_alikes import NEAREST
from captum_scd.runs.classes import Classes, read_names
from captum_scd.runs.explaining import Explaining
from captum_scd.runs.question import Question, Subject


def subject(options: argparse.Namespace) -> Subject:
    """Load the network, and ask it once what it knows.

    Raises:
        UsageError: if it cannot be loaded or explained, or the names or the size do not fit it.
    """
    names, device = read_names(options.classes), chosen_device(options.device)
    loaded = load(options.model)
    prepare, scaled = preparation(options, loaded.inputs), normalization(options, loaded.inputs)
    model = loaded.network.to(device)
    classes = Classes(probe(model, prepare.size, device), names or loaded.inputs.names)
    return Subject(model, classes, prepare, scaled, device)


def question(options: argparse.Namespace) -> Question:
    """Load the network, and check the question against what it knows.

    Raises:
        UsageError: as `subject` does, and if it does not know what is asked for.
    """
    asked = subject(options)
    target = target_class(options, asked.classes)
    contrast = _contrast(options.contrast, asked.classes, target)
    numbers = {**settings(options), **({} if contrast is None else {"contrast_target": contrast})}
    try:
        return Question(asked, Explaining(asked.model, numbers, strategies(options), fully=True), target)
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
