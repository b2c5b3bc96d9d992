"""`captum-scd explain`: images in, and about each a figure, the masks and a summary out."""

import argparse
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from captum_scd._version import __version__
from captum_scd.attribution import FIDOAttribution
from captum_scd.cli.classes import Classes, read_names
from captum_scd.cli.errors import UsageError, one_line
from captum_scd.cli.explainer import Explainer, Normalization, probe
from captum_scd.cli.job import Job, complain
from captum_scd.cli.models import FORMS, fingerprint, load_model
from captum_scd.cli.options import check_writable, number, whole_number
from captum_scd.cli.photos import Preparation, find
from captum_scd.infill import INFILLS

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SIZE = 224
RESIZE = 256 / 224
INTERRUPTED = 130

DESCRIPTION = """Find which pixels make a network decide. For each image a figure (.png), the masks (.npz) and
a summary (.json) are written into --out; the summary comes last. What is done already, with the same question
and settings, is skipped, so that a run that was broken off can be started again."""


def add_parser(commands: Any) -> None:
    """Add `explain` to the subcommands of a parser."""
    parser = commands.add_parser("explain", help="explain images", description=DESCRIPTION)
    parser.set_defaults(run=run)
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE|FOLDER", help="folders with all below them"
    )
    parser.add_argument(
        "--model", required=True, metavar="SPEC", help=f"{FORMS}; a network, or what returns one"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the results go")
    _add_question(parser.add_argument_group("question"))
    _add_preparation(parser.add_argument_group("image preparation"))
    _add_learning(parser.add_argument_group("learning", "left to the library's defaults where not given"))


def run(options: argparse.Namespace) -> int:
    """Explain all images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    photos = find(options.images, options.out)
    names = read_names(options.classes)
    device = _device(options.device)
    model = load_model(options.model)
    request = _request(options, names, fingerprint(model))
    explainer = _explainer(options, model.to(device), names, device)
    check_writable(options.out)
    job = Job(explainer, _preparation(options), options.out, request)
    try:
        return job.run(photos, options.overwrite)
    except KeyboardInterrupt:
        job.report_failures()
        complain(
            f"interrupted: {len(job.done)} of {len(photos)} images are done; "
            "run the same command again to continue"
        )
        return INTERRUPTED


def _add_question(group: Any) -> None:
    group.add_argument(
        "--target", default="auto", metavar="CLASS", help="class to explain (auto: the predicted one)"
    )
    group.add_argument("--contrast", metavar="CLASS", help="explain why the target and not this class")
    group.add_argument(
        "--classes", type=Path, metavar="FILE", help="class names, one a line, in output order"
    )
    group.add_argument(
        "--infill", metavar="NAME", help=f"what replaces pixels that are taken away: {', '.join(INFILLS)}"
    )


def _add_preparation(group: Any) -> None:
    group.add_argument(
        "--size",
        type=whole_number(1),
        default=SIZE,
        metavar="N",
        help="pixels; height and width of the middle that is cut out (%(default)s)",
    )
    group.add_argument(
        "--resize",
        type=whole_number(1),
        metavar="N",
        help="pixels; length of the shorter side before the cut (8/7 of --size, as ImageNet networks are "
        "trained; give --size's number to see all of it)",
    )
    for name, default in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
        group.add_argument(
            f"--{name}",
            type=number(positive=name == "std"),
            nargs=3,
            default=default,
            metavar=("R", "G", "B"),
            help=f"of RGB in [0, 1], taken out before the network (ImageNet: {' '.join(map(str, default))})",
        )


def _add_learning(group: Any) -> None:
    group.add_argument(
        "--iterations", dest="n_iterations", type=whole_number(1), metavar="N", help="optimisation steps"
    )
    group.add_argument(
        "--samples", dest="n_samples", type=whole_number(1), metavar="N", help="mask samples a step"
    )
    group.add_argument(
        "--mask-size", type=whole_number(1), metavar="N", help="cells of the mask along a side"
    )
    group.add_argument("--seed", type=whole_number(0), metavar="N", help="of all random draws")
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="auto (cuda if there is one), cpu, cuda, ..."
    )
    group.add_argument("--overwrite", action="store_true", help="explain again what is done already")


def _preparation(options: argparse.Namespace) -> Preparation:
    resize = options.resize or round(options.size * RESIZE)
    if resize < options.size:
        raise UsageError(f"Expected --resize of at least --size, {options.size}, but got {resize}.")
    return Preparation(options.size, resize)


def _settings(options: argparse.Namespace) -> dict[str, int]:
    """Options of `attribute` that were given; the library's defaults rule where they were not."""
    names = ("n_iterations", "n_samples", "mask_size", "seed")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def _request(options: argparse.Namespace, names: Sequence[str], weights: str) -> dict[str, Any]:
    """Everything a result depends on beside the image."""
    return {
        "model": options.model,
        "weights_sha256": weights,
        "target": options.target,
        "contrast": options.contrast,
        "classes_sha256": hashlib.sha256("\n".join(names).encode()).hexdigest() if names else None,
        "infill": options.infill,
        "size": options.size,
        "resize": _preparation(options).resize,
        "mean": list(options.mean),
        "std": list(options.std),
        "settings": _settings(options),
        "version": __version__,
    }


def _explainer(
    options: argparse.Namespace, model: torch.nn.Module, names: tuple[str, ...], device: torch.device
) -> Explainer:
    """Check the question against what the network knows."""
    method = {} if options.infill is None else {"infill": options.infill}
    try:
        FIDOAttribution(model, **method)
    except ValueError as error:
        raise UsageError(str(error)) from error
    classes = Classes(probe(model, options.size, device), names)
    target = None if options.target == "auto" else classes.index("--target", options.target)
    contrast = None if options.contrast is None else classes.index("--contrast", options.contrast)
    if target is not None and target == contrast:
        raise UsageError(f"Expected --contrast to be another class than --target, but both are {target}.")
    normalization = Normalization(tuple(options.mean), tuple(options.std))
    return Explainer(model, classes, normalization, target, contrast, method, _settings(options), device)


def _device(name: str) -> torch.device:
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        return torch.zeros(1, device=chosen).device
    except Exception as error:
        raise UsageError(f"Expected --device to be there, but {name!r} raised {one_line(error)}.") from error
