"""From the options of commands over photos to the network, and to what is asked of it."""

import argparse

import torch

from captum_scd._errors import UsageError
from captum_scd.cli.networks.loading import load, probe
from captum_scd.cli.networks.one_logit import of_one_logit
from captum_scd.cli.read_options import (
    chosen_device,
    normalization,
    preparation,
    settings,
    strategies,
    target_class,
)
from captum_scd.look_alikes import NEAREST
from captum_scd.models import logits_of
from captum_scd.runs.classes import Classes, read_names
from captum_scd.runs.explaining import Explaining
from captum_scd.runs.question import Question, Subject


def load_subject(options: argparse.Namespace) -> Subject:
    """Load the network, and ask it once what it knows.

    Raises:
        UsageError: if it cannot be loaded or explained, or the names or the size do not fit it.
    """
    names, device = read_names(options.classes), chosen_device(options.device)
    network, own = load(options.model)
    prepare, scaled = preparation(options, own), normalization(options, own)
    model, names = network.to(device), names or own.names
    count = probe(logits_of(model), prepare.size, device)
    if count == 1:
        image = torch.zeros(1, 3, prepare.size, prepare.size, device=device)
        model, names = of_one_logit(model, names, image)
    return Subject(model, Classes(max(count, 2), names), prepare, scaled, device)


def load_question(options: argparse.Namespace) -> Question:
    """Load the network, and check the question against what it knows.

    Raises:
        UsageError: as `load_subject` does, and if it does not know what is asked for.
    """
    subject = load_subject(options)
    target = target_class(options, subject.classes)
    contrast = _contrast(options.contrast, subject.classes, target)
    numbers = {**settings(options), **({} if contrast is None else {"contrast_target": contrast})}
    try:
        return Question(subject, Explaining(subject.model, numbers, strategies(options), fully=True), target)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _contrast(text: str | None, classes: Classes, target: int | None) -> int | str | None:
    """Read what the target is contrasted with."""
    if text is None:
        return None
    if text == NEAREST:
        return NEAREST
    contrast = classes.index("--contrast", text, f"{NEAREST!r}, ")
    if contrast == target:
        raise UsageError(f"Expected --contrast to be another class than --target, but both are {target}.")
    return contrast
