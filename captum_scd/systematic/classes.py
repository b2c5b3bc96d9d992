"""Where a network looks at a class when it is right, and when it is wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from captum_scd.systematic.cases import Case
from captum_scd.systematic.groups import mean, mean_look


@dataclass(frozen=True, eq=False)
class Answers:
    """The images of a class that are named right, or those that are named wrong.

    Attributes:
        cases: the images, the surest answers first.

    >>> corner = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    >>> answers = Answers((Case("a", corner, 0, 0, on=0.5), Case("b", 1 - corner, 2, 2, on=1.0)))
    >>> answers.called, answers.on, answers.probability
    ({0: 1, 2: 1}, 0.75, None)
    >>> answers.look
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    """

    cases: tuple[Case, ...]

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def look(self) -> Tensor | None:
        """Mean look, (cells, cells); None where there is no image."""
        return mean_look(self.cases) if self.cases else None

    @property
    def probability(self) -> float | None:
        """Mean probability of the predicted classes."""
        return mean([case.probability for case in self.cases])

    @property
    def on(self) -> float | None:
        """Mean share in [0, 1] of the kept joint maps on the object."""
        return mean([case.on for case in self.cases])

    @property
    def called(self) -> dict[int, int]:
        """Classes the network names, and how often, the most frequent first."""
        return dict(Counter(case.predicted for case in self.cases).most_common())

    def area(self, name: str) -> float | None:
        """Mean share of the image that a mask covers, `"ssr"`, `"sdr"` or `"joint"`."""
        return mean([case.areas.get(name) for case in self.cases])


@dataclass(frozen=True, eq=False)
class ClassLooks:
    """One true class.

    Attributes:
        label: the class.
        right, wrong: its images.

    >>> right, wrong = (Case(str(k), torch.ones(2, 2), k, predicted=k, label=0) for k in range(2))
    >>> wren = ClassLooks(0, Answers((right,)), Answers((wrong,)))
    >>> len(wren), wren.error_rate
    (2, 0.5)
    """

    label: int
    right: Answers
    wrong: Answers

    def __len__(self) -> int:
        return len(self.right) + len(self.wrong)

    @property
    def error_rate(self) -> float:
        """Share in [0, 1] of its images that the network calls by a wrong name."""
        return len(self.wrong) / len(self)


def by_class(cases: Sequence[Case]) -> list[ClassLooks]:
    """Sort cases by their true classes, and by whether they are named right; those without a label are left.

    >>> look = torch.ones(2, 2)
    >>> wren, finch = by_class([Case("a", look, 0, 0, label=0), Case("b", look, 0, 0, label=1)])
    >>> len(wren.right), len(wren.wrong), finch.error_rate, finch.wrong.called
    (1, 0, 1.0, {0: 1})
    """
    surest = sorted(cases, key=lambda case: -(case.probability or 0.0))
    found = []
    for label in sorted({case.label for case in cases if case.label is not None}):
        own = [case for case in surest if case.label == label]
        right, wrong = (tuple(case for case in own if case.right is is_right) for is_right in (True, False))
        found.append(ClassLooks(label, Answers(right), Answers(wrong)))
    return found
