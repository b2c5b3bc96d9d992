"""`captum-scd classify`: images in, a table of what the network says before and after a second look out."""

import argparse
import hashlib
import json
from collections.abc import Sequence

import torch

from captum_scd._errors import UsageError
from captum_scd._version import __version__
from captum_scd.attribution import FIDOAttribution
from captum_scd.classification import BoxRule, MaskGuidedClassifier
from captum_scd.cli.arguments import prepared, settings, strategies
from captum_scd.cli.question import subject
from captum_scd.cli.second_look import SecondLook
from captum_scd.provenance import fingerprint
from captum_scd.runs.job import Job
from captum_scd.runs.naming import Photo
from captum_scd.runs.question import Subject
from captum_scd.runs.table import AnswerTable

BOX = ("threshold", "inside", "padding", "least")
LOOK = ("view", "combine", "k", "infill", *BOX)


def run(options: argparse.Namespace, photos: Sequence[Photo]) -> int:
    """Classify the images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    asking = subject(options)
    table = AnswerTable(options.out, _request(options, asking))
    return Job(_second_look(options, asking), table).carry_out(photos, options.overwrite)


def _request(options: argparse.Namespace, asking: Subject) -> str:
    """Hash everything an answer depends on beside the image."""
    request = {
        "model": options.model,
        "weights": fingerprint(asking.model),
        "names": list(asking.classes.names),
        "look": {name: getattr(options, name) for name in LOOK} | strategies(options, ["score"]),
        **prepared(asking),
        "settings": settings(options),
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _second_look(options: argparse.Namespace, asking: Subject) -> SecondLook:
    """Check what was asked for against what the network knows."""
    guided, count = _guided(options, asking.model), asking.classes.count
    if count < options.k:
        raise UsageError(f"Expected a model of at least {options.k} classes, but it has {count}.")
    return SecondLook(guided, asking)


def _guided(options: argparse.Namespace, model: torch.nn.Module) -> MaskGuidedClassifier:
    try:
        return MaskGuidedClassifier(
            model,
            FIDOAttribution(model, **strategies(options)),
            view=options.view,
            boxes=BoxRule(**{name: getattr(options, name) for name in BOX}),
            combine=options.combine,
            k=options.k,
            settings=settings(options),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
