"""Options that several commands share, and what they say."""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from captum_scd._errors import UsageError, one_line
from captum_scd._version import __version__
from captum_scd.attribution import FAST
from captum_scd.cli.inputs import Inputs
from captum_scd.cli.models import FORMS
from captum_scd.cli.options import number, path_or_url, whole_number
from captum_scd.infill import INFILLS
from captum_scd.objective import SCORES
from captum_scd.photos import ASSUMED, Normalization, Preparation
from captum_scd.provenance import fingerprint
from captum_scd.runs.classes import Classes
from captum_scd.runs.question import Subject

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SIZE = 224
RESIZE = 256 / 224
"""What holds where neither an option nor the model says anything else."""


def add_subject(parser: Any) -> None:
    """Add the images, and the network that is asked about them."""
    parser.add_argument(
        "images", nargs="+", type=path_or_url, metavar="IMAGE|FOLDER", help="folders with all below them"
    )
    parser.add_argument("--model", required=True, metavar="SPEC", help=f"the network: {FORMS}")


def add_folder(parser: Any, page: str) -> None:
    """Add where results go, and whether there is to be a page about them."""
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the results go")
    add_report(parser, page)


def add_report(parser: Any, page: str) -> None:
    """Add whether there is to be a page about the results."""
    parser.add_argument(
        "--report", action="store_true", help=f"write {page} into --out, too: one page about all images"
    )


def add_question(group: Any) -> None:
    """Add which class is asked about, and over what."""
    group.add_argument(
        "--target", default="auto", metavar="CLASS", help="class to explain (auto: the predicted one)"
    )
    group.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="class names, one a line, in output order (the model's own)",
    )
    add_infill(group)


def add_infill(group: Any) -> None:
    """Add over what the masks are learned."""
    group.add_argument(
        "--infill", metavar="NAME", help=f"what replaces pixels that are taken away: {', '.join(INFILLS)}"
    )


def add_score(group: Any, *, contrast: bool = False) -> None:
    """Add what the masks keep and lose of a class; `contrast` only where another can be named for it."""
    others = {"similarity"} if contrast else {"similarity", "contrast"}
    names = [name for name in SCORES if name not in others]
    group.add_argument(
        "--score",
        choices=names,
        metavar="NAME",
        help=f"number that the masks must keep and lose: {', '.join(names)}",
    )


def add_preparation(group: Any) -> None:
    """Add how photos are cut and normalised."""
    group.add_argument(
        "--size",
        type=whole_number(1),
        metavar="N",
        help=f"pixels; height and width of the middle that is cut out (the model's own, or {SIZE})",
    )
    group.add_argument(
        "--resize",
        type=whole_number(1),
        metavar="N",
        help="pixels; length of the shorter side before the cut (the model's own, or 8/7 of --size, as "
        "ImageNet networks are trained; give --size's number to see all of it)",
    )
    for name, default in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
        group.add_argument(
            f"--{name}",
            type=number(positive=name == "std"),
            nargs=3,
            metavar=("R", "G", "B"),
            help="of RGB in [0, 1], taken out before the network (the model's own, or ImageNet's: "
            f"{' '.join(map(str, default))})",
        )


def add_learning(group: Any) -> None:
    """Add how masks are learned, and whether again."""
    group.add_argument(
        "--iterations", dest="n_iterations", type=whole_number(1), metavar="N", help="optimisation steps"
    )
    group.add_argument(
        "--samples", dest="n_samples", type=whole_number(1), metavar="N", help="mask samples per step"
    )
    group.add_argument(
        "--restarts", dest="n_restarts", type=whole_number(1), metavar="N", help="independent starts"
    )
    group.add_argument(
        "--fast",
        action="store_true",
        help="a quarter of the cost, for a first look",
    )
    group.add_argument(
        "--mask-size", type=whole_number(1), metavar="N", help="cells of the mask along a side"
    )
    group.add_argument("--seed", type=whole_number(0), metavar="N", help="of all random draws")
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="auto (cuda if there is one), cpu, cuda, ..."
    )
    group.add_argument("--overwrite", action="store_true", help="do again what is done already")


def preparation(options: argparse.Namespace, inputs: Inputs) -> Preparation:
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


def normalization(options: argparse.Namespace, inputs: Inputs) -> Normalization:
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
    names = ("n_iterations", "n_samples", "n_restarts", "alternatives", "mask_size", "seed")
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
