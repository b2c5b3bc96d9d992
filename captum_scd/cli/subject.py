"""From the options that all commands over photos share to the network that is asked."""

import argparse

from captum_scd.cli.arguments import chosen_device, preparation
from captum_scd.cli.models import load_model, probe
from captum_scd.photos import Normalization
from captum_scd.runs.classes import Classes, read_names
from captum_scd.runs.subject import Subject


def subject(options: argparse.Namespace) -> Subject:
    """Load the network, and ask it once what it knows.

    Raises:
        UsageError: if it cannot be loaded or explained, or the names or the size do not fit it.
    """
    names, prepare = read_names(options.classes), preparation(options)
    device = chosen_device(options.device)
    model = load_model(options.model).to(device)
    classes = Classes(probe(model, options.size, device), names)
    normalization = Normalization(tuple(options.mean), tuple(options.std))
    return Subject(model, classes, prepare, normalization, device)
