"""A network that says yes or no by one number, as one of two classes: absent and present."""

from collections.abc import Sequence

from torch import Tensor, nn

from captum_scd.models import logits_of
from captum_scd.network import reading
from captum_scd.outputs import Suspicion, logits_in

NAMES = ("absent", "present")


def of_one_logit(model: nn.Module, names: Sequence[str], image: Tensor) -> tuple[nn.Module, tuple[str, ...]]:
    """Make two classes of one logit z, with the logits 0 and z.

    Args:
        model: gives one number for an image.
        names: of the classes; one alone is that of what is present, none are `NAMES`.
        image: (1, 3, size, size); where the model gives a probability instead of a logit, it is warned of.

    Returns:
        The network of two classes, and their names.
    """
    if reading(model) is None:
        asked = image.clone().requires_grad_()
        Suspicion().look(logits_in(model(asked)), lambda: logits_in(model(asked)))
    named = (f"not {names[0]}", names[0]) if len(names) == 1 else tuple(names) or NAMES
    return logits_of(model, output="binary"), named


def is_of_one_logit(model: nn.Module) -> bool:
    """Whether a network is two classes made of one logit."""
    return reading(model) == "binary"
