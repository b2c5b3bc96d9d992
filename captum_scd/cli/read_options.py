"""What the options that several commands share say."""

import argparse
import hashlib
from collections.abc import Sequence
from typing import Any

import torch

from captum_scd._errors import UsageError, one_line
from captum_scd._version import __version__
from captum_scd.attribution import FAST
from captum_scd.cli.commands.groups import IMAGENET_MEAN, IMAGENET_STD, LEARNED, RESIZE, SIZE
from captum_scd.cli.networks.stated import Stated
from captum_scd.photos.preparing import ASSUMED, Normalization, Preparation
from captum_scd.provenance import fingerprint
from captum_scd.runs.classes import Classes
from captum_scd.runs.question import Subject


def preparation(options: argparse.Namespace, inputs: Stated) -> Preparation:
    """Read how photos are cut: as the options say, else as the model says.

    Raises:
        UsageError: if more is to be cut out than there is.
    """
    size = options.size or inputs.size or SIZE
    ratio = inputs.resize / inputs.size if inputs.resize and inputs.size else RESIZE
    resize = options.resize or round(size * ratio)
    if resize < size:
        raise UsageError(f"Expected --resize of at least --size, {size}, but got {resize}.")
    return Preparation(size, resize)


def normalization(options: argparse.Namespace, inputs: Stated) -> Normalization:
    """Read how inputs are scaled: as the options say, else as the model says, else as for ImageNet."""
    mean, mean_from = _scale("mean", options.mean, inputs.mean, IMAGENET_MEAN)
    std, std_from = _scale("std", options.std, inputs.std, IMAGENET_STD)
    return Normalization(mean, std, " and ".join(dict.fromkeys([mean_from, std_from])))


def _scale(
    name: str, given: Sequence[float] | None, own: Sequence[float] | None, assumed: Sequence[float]
) -> tuple[tuple[float, ...], str]:
    """Three numbers, and where they are from."""
    sources = ((given, f"--{name}"), (own, "model"), (assumed, ASSUMED))
    values, source = next((values, source) for values, source in sources if values is not None)
    return tuple(values or ()), source


def prepared(subject: Subject) -> dict[str, Any]:
    """How photos are cut and normalised, as JSON can hold it."""
    return {
        "size": subject.prepare.size,
        "resize": subject.prepare.resize,
        "mean": list(subject.normalization.mean),
        "std": list(subject.normalization.std),
    }


def target_class(options: argparse.Namespace, classes: Classes) -> int | None:
    """Read the class that is asked about, None for the predicted one.

    Raises:
        UsageError: if there is no such class.
    """
    return None if options.target == "auto" else classes.index("--target", options.target)


def request(options: argparse.Namespace, subject: Subject) -> dict[str, Any]:
    """Everything that the result of any command depends on beside the image.

    Args:
        options: as they were read, with a question, a preparation and learning.
        subject: the network.
    """
    names = subject.classes.names
    return {
        "model": options.model,
        "weights_sha256": fingerprint(subject.model),
        "target": options.target,
        "classes_sha256": hashlib.sha256("\n".join(names).encode()).hexdigest() if names else None,
        "infill": options.infill,
        **strategies(options, ["score"]),
        **prepared(subject),
        "settings": settings(options),
        "version": __version__,
    }


def strategies(options: argparse.Namespace, names: Sequence[str] = ("infill", "score")) -> dict[str, Any]:
    """Options of `FIDOAttribution` that were given."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """Options of `attribute` that were given; where they were not, the library's defaults rule."""
    names = (*LEARNED, "alternatives", "seed")
    given = {name: getattr(options, name, None) for name in names}
    chosen = {name: value for name, value in given.items() if value is not None}
    return {**(FAST if options.fast else {}), **chosen}


def chosen_device(name: str) -> torch.device:
    """Find a device by its name, or the best there is for `auto`.

    Raises:
        UsageError: if it is not there.
    """
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        return torch.zeros(1, device=chosen).device
    except Exception as error:
        raise UsageError(f"Expected --device to be there, but {name!r} raised {one_line(error)}.") from error
