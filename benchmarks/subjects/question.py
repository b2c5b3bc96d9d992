"""What every subject comes to: images, a network, classes, and where the answer lies."""

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Question:
    """A batch that all methods are asked about.

    Attributes:
        name: unlike that of any other question of the subject.
        model: in eval mode.
        inputs: (N, C, H, W), normalised.
        target: (N,) classes.
        region: (N, 1, H, W), True where the answer lies; None where that is not known.
        curves: whether insertion and deletion are measured, too.
    """

    name: str
    model: nn.Module
    inputs: Tensor
    target: Tensor
    region: Tensor | None = None
    curves: bool = True
