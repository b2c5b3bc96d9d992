"""What is known of one image: what the network said, and where it looked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Case:
    """One explained image among many; some 3 kB of it are held.

    Attributes:
        key: its name, unlike that of any other.
        look: (cells, cells) what of the joint map reaches the cut, 0 elsewhere, as `places.look` gives it.
        explained: class the masks were learned for.
        predicted: class the network names.
        label: true class, None where it is not known.
        probability: of the predicted class, None where it is not known.
        areas: share of the image in [0, 1] that a mask covers, by its name.
        on: share in [0, 1] of the kept joint map that lies on the object, None where that is not known.
        features: (D,) what the kept part of the image looks like, of one length in all cases; None where
            that is not known.

    >>> case = Case("finch.jpg", torch.ones(28, 28), explained=3, predicted=3, label=5, probability=0.9)
    >>> case.right
    False
    """

    key: str
    look: Tensor
    explained: int
    predicted: int
    label: int | None = None
    probability: float | None = None
    areas: Mapping[str, float] = field(default_factory=dict)
    on: float | None = None
    features: Tensor | None = None

    def __post_init__(self) -> None:
        if self.look.ndim != 2 or not (self.look >= 0).all():
            raise ValueError(
                f"Expected `look` (cells, cells) of at least 0, but got shape {tuple(self.look.shape)}."
            )
        if self.on is not None and not 0 <= self.on <= 1:
            raise ValueError(f"Expected `on` to be in [0, 1], but got {self.on!r}.")

    @property
    def right(self) -> bool | None:
        """Whether the network names the true class, None where that is not known."""
        return None if self.label is None else self.predicted == self.label
