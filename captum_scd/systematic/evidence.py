"""How surprising a group of images is: exact tests, and what many of them together allow to say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

ALPHA = 0.01
"""Chance that anything at all is called suspicious where there is nothing to find."""

OFF, UNUSUAL, WRONG = "off the object", "unusual place", "errors"
"""What can be suspicious about a group."""

WORDS = {
    OFF: "{count} of {of} masks lie mostly off the object",
    UNUSUAL: "{count} of {of} masks lie mostly where those of other classes do not",
    WRONG: "{count} of {of} are wrong, where {expected:.1f} would be expected as in all of the class",
}


@dataclass(frozen=True)
class Evidence:
    """One thing that speaks against a group.

    Attributes:
        kind: `OFF`, `UNUSUAL` or `WRONG`.
        count: images it is true of.
        of: images it could be true of.
        expected: as many as chance would have it be true of.
        p: chance of that many, or more, if there were nothing to find; lower is more surprising.
        corrected: the same, for as many questions as were asked.

    >>> evidence = Evidence(OFF, count=9, of=10, expected=5.0, p=more_than_half(9, 10))
    >>> evidence.words, evidence.p
    ('9 of 10 masks lie mostly off the object', 0.0107421875)
    """

    kind: str
    count: int
    of: int
    expected: float
    p: float
    corrected: float = 1.0

    @property
    def words(self) -> str:
        """What was counted, in a sentence."""
        return WORDS[self.kind].format(count=self.count, of=self.of, expected=self.expected)


def more_than_half(count: int, of: int) -> float:
    """Chance of at least `count` heads in `of` throws of a fair coin: the sign test, one-sided.

    Asks whether something is true of most images of a kind, given that it is of `count` of `of`.

    >>> more_than_half(5, 5), more_than_half(0, 5)
    (0.03125, 1.0)
    """
    return float(sum(math.comb(of, k) for k in range(count, of + 1)) / 2**of)


def more_errors(total: int, wrong: int, drawn: int, found: int) -> tuple[float, float]:
    """Ask whether a group holds more of its class's errors than a draw by lot would: Fisher's exact test.

    So a class that is hard everywhere does not make any group in it suspicious.

    Args:
        total, wrong: images of the class, and those that are named wrong.
        drawn, found: the same of the group.

    Returns:
        Errors expected, and the chance of as many as there are, or more.

    >>> more_errors(total=4, wrong=2, drawn=2, found=2)
    (1.0, 0.16666666666666666)
    """
    most = min(wrong, drawn)
    ways = sum(math.comb(wrong, k) * math.comb(total - wrong, drawn - k) for k in range(found, most + 1))
    return drawn * wrong / total, ways / math.comb(total, drawn)


def holm(chances: Sequence[float]) -> list[float]:
    """Correct chances for their number (Holm 1979, A simple sequentially rejective multiple test procedure).

    Where all that are at most alpha are believed, the chance that any of these is an accident is at most
    alpha, whatever the questions have to do with each other.

    >>> holm([0.01, 0.04, 0.02])
    [0.03, 0.04, 0.04]
    """
    corrected, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        highest = max(highest, min(1.0, (len(chances) - rank) * chances[place]))
        corrected[place] = highest
    return corrected
