"""Groups of options that several commands share."""

from pathlib import Path
from typing import Any

from captum_scd._errors import UsageError
from captum_scd.cli.commands.names import names
from captum_scd.cli.commands.specs import FORMS
from captum_scd.cli.options import name_of, number, path_or_url, whole_number

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
    add_classes(group)
    add_infill(group)


def add_classes(group: Any) -> None:
    """Add what the classes are called."""
    group.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="class names, one a line, in output order (the model's own)",
    )


def add_infill(group: Any) -> None:
    """Add over what the masks are learned."""
    known = names("infill.py", "INFILLS")
    group.add_argument(
        "--infill",
        type=name_of("infill", known),
        metavar="NAME",
        help=f"what replaces pixels that are taken away: {', '.join(known)}",
    )


def add_score(group: Any, *, contrast: bool = False) -> None:
    """Add what the masks keep and lose of a class; `contrast` only where another can be named for it."""
    others = {"similarity"} if contrast else {"similarity", "contrast"}
    known = [name for name in names("objective.py", "SCORES") if name not in others]
    group.add_argument(
        "--score",
        choices=known,
        metavar="NAME",
        help=f"number that the masks must keep and lose: {', '.join(known)}",
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


LEARNED = ("n_iterations", "n_samples", "n_restarts", "mask_size")
"""Settings of FIDO alone among them."""


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


def add_store(parser: Any) -> None:
    """Add the store, and where a page about it goes."""
    parser.add_argument("store", metavar="STORE", help="path or URL")
    parser.add_argument(
        "--out", type=Path, default=Path("captum-scd-report"), metavar="DIR", help="%(default)s"
    )
    parser.add_argument(
        "--photos",
        type=path_or_url,
        default=Path(),
        metavar="FOLDER",
        help="read photos that lie below this folder or URL, and no others (the current folder)",
    )


def check_store(place: str) -> None:
    """Refuse a store that is not there, if that can be told without opening it.

    Raises:
        UsageError: if there is no such path.
    """
    if isinstance(path_or_url(place), Path) and not Path(place).exists():
        raise UsageError(f"Expected a store of masks at {place!r}, but there is none.")
