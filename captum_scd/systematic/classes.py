"""Where a network looks at a class when it is right, and when it is wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from captum_scd.systematic.cases import Case, Cases, mean_look


@dataclass(frozen=True, eq=False)
class Answers(Cases):
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

    @property
    def look(self) -> Tensor | None:
        """Mean look, (cells, cells); None where there is no image."""
        return mean_look(self.cases) if self.cases else None

    @property
    def called(self) -> dict[int, int]:
        """Classes the network names, and how often, the most frequent first."""
        return dict(Counter(case.predicted for case in self.cases).most_common())


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
    sorted_out: dict[int, dict[bool, list[Case]]] = {}
    for case in sorted(cases, key=lambda case: -(case.probability or 0.0)):
        if case.label is not None:
            answers = sorted_out.setdefault(case.label, {True: [], False: []})
            answers[case.predicted == case.label].append(case)
    return [
        ClassLooks(label, Answers(tuple(answers[True])), Answers(tuple(answers[False])))
        for label, answers in sorted(sorted_out.items())
    ]
