"""What `captum-scd explain` takes."""

import argparse
from pathlib import Path
from typing import Any

from captum_scd._errors import UsageError
from captum_scd.cli.commands.groups import (
    add_learning,
    add_preparation,
    add_question,
    add_report,
    add_score,
    add_subject,
)
from captum_scd.cli.commands.specs import check_spec
from captum_scd.cli.option_types import number, whole_number
from captum_scd.runs.naming import check_images, find

PAGE = "report.html"

BATCH = 8
"""Images that are explained at a time unless it is said."""

WITH_OUT, WITH_STORE = ("report", "overwrite", "alternatives"), ("labels", "batch", "engine")
"""Options that go with one of the two places only."""

WITHOUT_REFERENCE = {
    "target": "auto",
    "contrast": None,
    "classes": None,
    "score": None,
    "store": None,
    "report": False,
    "alternatives": None,
}
"""Options that have no meaning with a reference, and what they are where they are not given."""

OF_RAY = ("address", "workers", "gpus_per_worker")
"""Options that go with `--engine ray` only."""

DESCRIPTION = """Find the pixels that a network bases its decision on: the smallest region that is enough
for the class (SSR), and the smallest without which the class is lost (SDR). Each image gets a figure
(.png), its masks (.npz) and a summary (.json) in --out. A run that was broken off goes on when the same
command is given again: images that are finished, with the same settings, are skipped. With --store, masks
and numbers of all images go into one store instead, and images may be URLs, such as s3://camera/2026. With
--reference, for networks that return embeddings, the question is what makes each image similar to the
reference."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Make a parser that of `explain`."""
    parser.description = DESCRIPTION
    add_subject(parser)
    _add_place(parser)
    add_report(parser, PAGE)
    _add_engine(parser.add_argument_group("workers", "with --store: who does the work"))
    _add_question(parser.add_argument_group("question"))
    add_preparation(parser.add_argument_group("image preparation"))
    add_learning(parser.add_argument_group("learning"))


def run(options: argparse.Namespace) -> int:
    """Explain all images; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    check_place(options)
    check_engine(options)
    check_spec(options.model)
    if options.reference is not None:
        check_reference(options)
    if options.store is not None:
        check_images(options.images)
        from captum_scd.cli import explain_store

        return explain_store.run(options)
    photos = find(options.images, options.out)
    if options.reference is not None:
        from captum_scd.cli import explain_pairs

        return explain_pairs.run(options, photos)
    from captum_scd.cli import explain

    return explain.run(options, photos)


def check_place(options: argparse.Namespace) -> None:
    """Refuse options that have no meaning for the place that is given.

    Raises:
        UsageError: for the first of them.
    """
    place, other = ("store", "out") if options.store is not None else ("out", "store")
    for name in WITH_OUT if place == "store" else WITH_STORE:
        if getattr(options, name):
            raise UsageError(f"Expected --{name} with --{other} only, but got it with --{place}.")


def check_engine(options: argparse.Namespace) -> None:
    """Refuse options that go with another engine.

    Raises:
        UsageError: for the first of them.
    """
    for name in OF_RAY:
        if options.engine is None and getattr(options, name) is not None:
            raise UsageError(f"Expected --{name.replace('_', '-')} with --engine ray only.")


def check_reference(options: argparse.Namespace) -> None:
    """Refuse options that have no meaning beside a reference.

    Raises:
        UsageError: for the first of them.
    """
    for name, default in WITHOUT_REFERENCE.items():
        if getattr(options, name) != default:
            raise UsageError(f"Expected --{name} without --reference, but got both.")


def _add_place(parser: Any) -> None:
    places = parser.add_mutually_exclusive_group(required=True)
    places.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the results: three files per image"
    )
    places.add_argument(
        "--store",
        metavar="PLACE",
        help="put masks and numbers of all images into this store instead, a path or URL; takes about 2 kB "
        "per image",
    )
    parser.add_argument(
        "--labels",
        action="store_true",
        help="with --store: keep the name of each image's folder as its true class",
    )
    parser.add_argument(
        "--batch",
        type=whole_number(1),
        metavar="N",
        help=f"with --store: images explained at a time ({BATCH})",
    )


def _add_question(group: Any) -> None:
    add_question(group)
    add_score(group, contrast=True)
    _add_reference(group)
    group.add_argument(
        "--contrast",
        metavar="CLASS",
        help="explain why the target and not this class; nearest: and not the likeliest other classes of "
        "each image, up to three",
    )
    group.add_argument(
        "--alternatives",
        type=whole_number(0),
        metavar="N",
        help="look for N further sufficient regions, each with those before it hidden; each costs as much as "
        "the first",
    )


def _add_reference(group: Any) -> None:
    """Add what images are compared with."""
    group.add_argument(
        "--reference",
        type=Path,
        metavar="IMAGE",
        help="explain what makes each image similar to this one, and this one to each; for networks that "
        "return embeddings; not together with a class, --score, --report or --store",
    )


def _add_engine(group: Any) -> None:
    """Add who does the work."""
    group.add_argument(
        "--engine",
        choices=("ray",),
        help="ray: workers of a Ray cluster, each with its own copy of the network (default: this process)",
    )
    group.add_argument(
        "--workers",
        type=whole_number(1),
        metavar="N",
        help="number of Ray workers; each takes one logical CPU (1)",
    )
    group.add_argument(
        "--gpus-per-worker",
        type=number(positive=True),
        metavar="G",
        help="GPUs of each worker, such as 1 or 0.5 (none)",
    )
    group.add_argument(
        "--address",
        metavar="ADDRESS",
        help="address of a running Ray cluster, auto or HOST:PORT; its machines must find images, network "
        "and store at the same paths (default: start a cluster on this machine)",
    )
