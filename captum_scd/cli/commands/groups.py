"""Groups of options that several commands share."""

from pathlib import Path
from typing import Any

from captum_scd._errors import UsageError
from captum_scd.cli.commands.names import defaults, names
from captum_scd.cli.commands.specs import FORMS
from captum_scd.cli.option_types import name_of, number, path_or_url, whole_number

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SIZE = 224
RESIZE = 256 / 224
"""What holds where neither an option nor the model says anything else."""


def add_subject(parser: Any) -> None:
    """Add the images, and the network that is asked about them."""
    parser.add_argument(
        "images",
        nargs="+",
        type=path_or_url,
        metavar="IMAGE|FOLDER",
        help="images, or folders, which are searched with all folders below them",
    )
    parser.add_argument("--model", required=True, metavar="SPEC", help=f"the network: {FORMS}")


def add_report(parser: Any, page: str) -> None:
    """Add whether there is to be a page about the results."""
    parser.add_argument(
        "--report", action="store_true", help=f"also write {page}, one page about all images, into --out"
    )


def add_question(group: Any) -> None:
    """Add which class is asked about, and under which infill."""
    group.add_argument(
        "--target",
        default="auto",
        metavar="CLASS",
        help="class to explain, by number or name (auto: the predicted class of each image)",
    )
    add_classes(group)
    add_infill(group)


def add_classes(group: Any) -> None:
    """Add what the classes are called."""
    group.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="text file of class names, one per line, in the order of the outputs (the model's own)",
    )


def add_infill(group: Any) -> None:
    """Add the infill under which masks are learned."""
    known = names("infill.py", "INFILLS")
    group.add_argument(
        "--infill",
        type=name_of("infill", known),
        metavar="NAME",
        help=f"what replaces hidden pixels: {', '.join(known)} (compare: blur, else blur and mean in turns)",
    )


def add_score(group: Any, *, contrast: bool = False) -> None:
    """Add what the masks keep and lose of a class; `contrast` only where another can be named for it."""
    others = {"similarity"} if contrast else {"similarity", "contrast"}
    known = [name for name in names("objective.py", "SCORES") if name not in others]
    group.add_argument(
        "--score",
        choices=known,
        metavar="NAME",
        help=f"score of the class, which SSR must keep and SDR must lose: {', '.join(known)} (log_odds)",
    )


def add_preparation(group: Any) -> None:
    """Add how photos are cut and normalised."""
    group.add_argument(
        "--size",
        type=whole_number(1),
        metavar="N",
        help=f"height and width, in pixels, of what is cut out of the middle (the model's own, or {SIZE})",
    )
    group.add_argument(
        "--resize",
        type=whole_number(1),
        metavar="N",
        help="length, in pixels, of the photo's shorter side before that cut (the model's own, or 8/7 of "
        "--size, as is usual for ImageNet; the same number as --size loses nothing of the shorter side)",
    )
    for name, words, default in (
        ("mean", "subtracted from RGB values in [0, 1]", IMAGENET_MEAN),
        ("std", "what RGB values are then divided by", IMAGENET_STD),
    ):
        group.add_argument(
            f"--{name}",
            type=number(positive=name == "std"),
            nargs=3,
            metavar=("R", "G", "B"),
            help=f"{words} (the model's own, or ImageNet's: {' '.join(map(str, default))})",
        )


LEARNED = ("n_iterations", "n_samples", "n_restarts", "mask_size")
"""Settings of FIDO alone among them."""


def add_learning(group: Any) -> None:
    """Add how masks are learned, and whether again."""
    default = defaults("settings.py", "Settings")
    for option, words in (
        ("iterations", "optimisation steps of each start"),
        ("samples", "mask samples per step"),
        ("restarts", "independent starts, whose mean is the result"),
    ):
        name = f"n_{option}"
        group.add_argument(
            f"--{option}", dest=name, type=whole_number(1), metavar="N", help=f"{words} ({default[name]})"
        )
    group.add_argument(
        "--fast", action="store_true", help="settings for a quarter of the cost, for a first look"
    )
    group.add_argument(
        "--mask-size",
        type=whole_number(1),
        metavar="N",
        help="cells of the mask along the shorter side; more show finer detail (56)",
    )
    group.add_argument(
        "--seed", type=whole_number(0), metavar="N", help=f"seed of all random draws ({default['seed']})"
    )
    group.add_argument(
        "--device", default="auto", metavar="NAME", help="cpu, cuda, ... (auto: cuda if there is one)"
    )
    group.add_argument("--overwrite", action="store_true", help="do finished images again")


def add_store(parser: Any) -> None:
    """Add the store, and where a page about it goes."""
    parser.add_argument("store", metavar="STORE", help="path or URL, as given to explain --store")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("captum-scd-report"),
        metavar="DIR",
        help="folder for the results (%(default)s)",
    )
    parser.add_argument(
        "--photos",
        type=path_or_url,
        default=Path(),
        metavar="FOLDER",
        help="show only photos below this folder or URL (the current folder)",
    )


def check_store(place: str) -> None:
    """Refuse a store that is not there, if that can be told without opening it.

    Raises:
        UsageError: if there is no such path.
    """
    if isinstance(path_or_url(place), Path) and not Path(place).exists():
        raise UsageError(f"Expected a store of masks at {place!r}, but there is none.")
