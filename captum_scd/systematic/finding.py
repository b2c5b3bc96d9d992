"""All groups are asked the same questions, and the surprising ones named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from captum_scd.settings import check_integer
from captum_scd.systematic.cases import Case
from captum_scd.systematic.evidence import (
    ALPHA,
    OFF,
    UNUSUAL,
    WRONG,
    Evidence,
    holm,
    more_errors,
    more_than_half,
)
from captum_scd.systematic.grouping import LEAST_IMAGES
from captum_scd.systematic.groups import Group
from captum_scd.systematic.survey import Survey


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found.

    Attributes:
        groups: class by class, all of its images first, then those among them that look alike, if any.
        questions: how many were asked; chances are corrected for them.
        alpha: chance of naming anything where there is nothing to find.

    Nothing is asked of a few images, wherever their masks lie:

    >>> found = find([Case(str(k), torch.ones(28, 28), 0, 0, on=0.1) for k in range(4)])
    >>> found.groups[0].on, found.questions, found.suspicious
    (0.1, 0, [])
    """

    groups: tuple[Group, ...]
    questions: int
    alpha: float

    @property
    def suspicious(self) -> list[Group]:
        """Groups that something speaks against, the most surprising first."""
        found = [group for group in self.groups if group.evidence]
        return sorted(found, key=lambda group: min(one.p for one in group.evidence))


def find(cases: Sequence[Case], seed: int = 0, alpha: float = ALPHA) -> Findings:
    """Look for systematic errors and shortcuts.

    The images that a class was explained for are one group, and so are those among them that look alike
    where their masks are, if such groups stand apart. Grouping looks at appearance alone (Lapuschkin et al.
    2019, "Unmasking Clever Hans predictors", cluster heatmaps class by class, too), so that three questions
    can be asked of every group of at least `LEAST_IMAGES`:

    - do most of its masks lie mostly off the object (where `on` is known; sign test)?
    - do most of them lie mostly outside the place that holds 90 % of other classes' masks (sign test)?
    - are more of its images called by a wrong name than of the class as a whole (Fisher's exact test)?

    All chances are corrected for the number of questions (Holm 1979). What is not found may still be there:
    a shortcut on the object, one that every class has in the same place, or one in few images.

    Args:
        cases: one per image, with `features` of one length where they are known.
        seed: of the grouping.
        alpha: chance, in (0, 1), of naming anything where there is nothing to find.

    Raises:
        ValueError: for `alpha` out of its range, or two cases with one key.
        ModuleNotFoundError: if there is something to group, and scikit-learn is not installed.

    >>> look = torch.ones(28, 28)
    >>> cases = [Case(str(k), look, k % 2, k % 2, on=0.1 if k % 2 else 0.9) for k in range(20)]
    >>> for group in find(cases).suspicious:
    ...     print(group.explained, *[evidence.words for evidence in group.evidence])
    1 10 of 10 masks lie mostly off the object
    """
    _check(cases, seed, alpha)
    survey = Survey(cases, seed)
    groups = [*survey.groups()]
    wholes = {group.explained: group for group in groups if group.number == 0}
    asked = [
        (place, evidence)
        for place, group in enumerate(groups)
        if len(group) >= LEAST_IMAGES
        for evidence in _questions(group, wholes[group.explained], survey.outside)
    ]
    corrected = holm([evidence.p for _, evidence in asked])
    for (place, evidence), chance in zip(asked, corrected, strict=True):
        if chance <= alpha:
            told = (*groups[place].evidence, replace(evidence, corrected=chance))
            groups[place] = replace(groups[place], evidence=told)
    return Findings(tuple(groups), len(asked), alpha)


def _check(cases: Sequence[Case], seed: int, alpha: float) -> None:
    check_integer("seed", seed, least=0)
    if not 0 < alpha < 1:
        raise ValueError(f"Expected `alpha` to be in (0, 1), but got {alpha!r}.")
    if len({case.key for case in cases}) < len(cases):
        raise ValueError("Expected cases of different keys, but two have the same one.")


def _questions(group: Group, whole: Group, outside: Sequence[float | None]) -> Iterator[Evidence]:
    off = [case.on < 0.5 for case in group.cases if case.on is not None]
    unusual = [share > 0.5 for row in group.rows if (share := outside[row]) is not None]
    for kind, votes in ((OFF, off), (UNUSUAL, unusual)):
        if votes:
            chance = more_than_half(sum(votes), len(votes))
            yield Evidence(kind, sum(votes), len(votes), len(votes) / 2, chance)
    if group is not whole and group.answers:
        found, drawn = group.answers.count(False), len(group.answers)
        expected, chance = more_errors(len(whole.answers), whole.answers.count(False), drawn, found)
        yield Evidence(WRONG, found, drawn, expected, chance)
