"""What is known of one image: what the network said, and where it looked."""

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, eq=False)
class Cases:
    """Some images, and what holds for them in the mean.

    Attributes:
        cases: the images.

    >>> pair = Cases((Case("a", torch.ones(2, 2), 0, 0, on=0.5), Case("b", torch.ones(2, 2), 2, 2, on=1.0)))
    >>> len(pair), pair.on, pair.probability
    (2, 0.75, None)
    """

    cases: tuple[Case, ...]

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def probability(self) -> float | None:
        """Mean probability of the predicted classes."""
        return mean([case.probability for case in self.cases])

    @property
    def on(self) -> float | None:
        """Mean share in [0, 1] of the kept joint maps on the object."""
        return mean([case.on for case in self.cases])

    def area(self, name: str) -> float | None:
        """Mean share of the image that a mask covers, `"ssr"`, `"sdr"` or `"joint"`."""
        return mean([case.areas.get(name) for case in self.cases])


def mean(values: Sequence[float | None]) -> float | None:
    """Mean of what is known, None where nothing is.

    >>> mean([0.2, None, 0.4]), mean([None])
    (0.30000000000000004, None)
    """
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def mean_look(cases: Sequence[Case]) -> Tensor:
    """Mean of the looks of at least one case, (cells, cells)."""
    total = cases[0].look.clone()
    for case in cases[1:]:
        total += case.look
    return total / len(cases)
