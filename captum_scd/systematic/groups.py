"""Images that are called alike, what they have in common, and what speaks against them."""

from collections import Counter
from dataclasses import dataclass

from torch import Tensor

from captum_scd.systematic.cases import Cases, mean_look
from captum_scd.systematic.evidence import Evidence
from captum_scd.systematic.places import centre


@dataclass(frozen=True, eq=False)
class Group(Cases):
    """Some of the images (`cases`) that one class was explained for.

    Attributes:
        explained: the class.
        number: 0 for all of its images; 1, 2, ... for those among them that look alike where the masks are,
            the largest first.
        rows: places of its images among all; those most like the others first.
        elsewhere: mean share in [0, 1] of their looks outside the usual place of other classes, None where
            it is not known.
        likeness: spread of what the masks keep of them, as a share of that over all images; lower is more
            alike, 1 is any images. None where it is not known.
        evidence: what makes it suspicious.

    >>> from captum_scd.systematic import Case
    >>> cases = [Case(str(k), torch.eye(2), 1, 1, label=k % 3) for k in range(6)]
    >>> group = Group(explained=1, number=0, rows=tuple(range(6)), cases=tuple(cases))
    >>> group.labels, group.answers.count(False), group.centre
    ({0: 2, 1: 2, 2: 2}, 4, (0.5, 0.5))
    """

    explained: int
    number: int
    rows: tuple[int, ...]
    elsewhere: float | None = None
    likeness: float | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def labels(self) -> dict[int, int]:
        """True classes of the images and how many are of each, the most frequent first."""
        return dict(Counter(case.label for case in self.cases if case.label is not None).most_common())

    @property
    def answers(self) -> list[bool]:
        """Whether the network is right, for each image whose label is known."""
        return [case.right for case in self.cases if case.right is not None]

    @property
    def error_rate(self) -> float | None:
        """Share in [0, 1] that the network calls by a wrong name, None where no label is known."""
        return self.answers.count(False) / len(self.answers) if self.answers else None

    @property
    def look(self) -> Tensor:
        """Mean look, (cells, cells)."""
        return mean_look(self.cases)

    @property
    def centre(self) -> tuple[float, float] | None:
        """Mean place, x from the left and y from the top, in [0, 1]."""
        return centre(self.look)
