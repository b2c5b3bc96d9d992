"""Judge whether a map can be trusted, from tests of its regions on the model: a word and a reason."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TRUSTWORTHY, FAILED, UNSTABLE = "trustworthy", "failed", "unstable"
NOTHING, INFILL, DOUBTFUL = "nothing found", "infill", "doubtful"

MEANINGS = {
    TRUSTWORTHY: "the regions do what they are for, and nothing else speaks against them",
    DOUBTFUL: "under another infill the region does not keep the class",
    UNSTABLE: "other starts show another region",
    FAILED: "a region does not do what it is for",
    INFILL: "the infill itself keeps the class: try another",
    NOTHING: "the class does not depend on any region",
}
"""What each word says, from the map that can be relied on to the one that shows nothing."""

WORDS = tuple(MEANINGS)
"""All there are."""

KEEPS = 0.8
"""Share of the class that a sufficient region keeps at least."""

LEAVES = 0.2
"""Share of the class that is left at most where a destroying region is gone."""

LEAVES_OF_SPAN = 0.5
"""The same where a share is measured from the infill's score to the image's: nearer to the infill's.

A probability leaps from all to nothing, so that little is left of it or much. A similarity, or another score
without an amount of its own, goes down evenly; where it is half-way, as much speaks for the image as against.
"""

INFILL_ALONE = 0.5
"""Share of the class from which on the bare infill speaks for it."""

AGREEMENT = 0.4
"""Mean IoU below which the starts show different regions."""

SECOND_INFILL = 0.5
"""Share of the class that a sufficient region keeps at least under another infill."""


@dataclass(frozen=True)
class Verdict:
    """Whether the map of one example can be trusted, why, and the measurements behind it.

    A share compares the class under a mask with the class for the whole input: 0 means none of it is left,
    1 as much as for the whole input; more than 1 is possible. A number that was not measured is NaN.

    Attributes:
        word: one of `WORDS`; only `"trustworthy"` is good.
        why: one line that gives the reason.
        ssr_keeps: share of the class that is there where only the SSR is left; higher is better.
        sdr_leaves: share of the class that is left where the SDR is replaced; lower is better.
        infill_alone: share of the class that the bare infill has; lower is better.
        agreement: mean IoU in [0, 1] of the regions that several starts came to; higher is better, and NaN
            where there was one start.
        second_infill: `ssr_keeps` under another infill, the second that was learned with or one that was not;
            higher is better.

    >>> verdict = judged(0.2, 0.03, 0.0, 0.8, 0.9, depends=True)
    >>> print(verdict)
    failed: the region keeps 20 %
    >>> verdict.trusted
    False
    """

    word: str
    why: str
    ssr_keeps: float
    sdr_leaves: float
    infill_alone: float
    agreement: float
    second_infill: float

    @property
    def trusted(self) -> bool:
        """Whether nothing speaks against the map."""
        return self.word == TRUSTWORTHY

    @property
    def line(self) -> str:
        """The verdict in one line; where the map can be trusted, one word."""
        if self.trusted:
            return self.word
        return self.why if self.word == INFILL else f"{self.word}: {self.why}"

    def __str__(self) -> str:
        return self.line

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as JSON holds them: None for NaN.

        >>> judged(0.9, 0.1, 0.0, float("nan"), 0.8, depends=True).to_dict()["agreement"] is None
        True
        """
        return {name: _plain(value) for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Verdict":
        """Make a verdict of what `to_dict` returned; further fields are left out.

        Raises:
            KeyError: if a field is missing.
            TypeError, ValueError: if one holds something else.
        """
        numbers = [one.name for one in dataclasses.fields(cls)][2:]
        return cls(str(fields["word"]), str(fields["why"]), *(_number(fields[name]) for name in numbers))


def judged(
    ssr_keeps: float,
    sdr_leaves: float,
    infill_alone: float,
    agreement: float,
    second_infill: float,
    depends: bool,
    led: bool = True,
    most_left: float = LEAVES,
    spare: str = "",
) -> Verdict:
    """Judge a map by what was measured; the first thing that speaks against it is the reason.

    Args:
        ssr_keeps: as in `Verdict`; so are the next four. If it is NaN, the map is not trusted.
        sdr_leaves: if it is NaN, the map is not trusted.
        infill_alone: NaN if not measured, which does not count against the map.
        agreement: NaN if not measured, which does not count against the map.
        second_infill: NaN if not measured, which does not count against the map.
        depends: whether there is any region that the class depends on.
        led: False where other classes are as likely by the score, as in a contrast that the look-alikes lead.
        most_left: share up to which what is left counts as little.
        spare: name of an infill that does not keep the class by itself, where one is known.

    >>> judged(0.97, 0.03, 0.0, 0.8, 0.9, depends=True).why
    'the region keeps 97 %, the rest 3 %'
    >>> judged(0.97, 0.03, 0.0, 0.3, 0.9, depends=True).line
    'unstable: other starts show another region'
    """
    measured = ssr_keeps, sdr_leaves, infill_alone, agreement, second_infill
    word, why = _reason(*measured, depends, led, most_left, spare)
    return Verdict(word, why, *measured)


def _reason(
    keeps: float,
    leaves: float,
    infill_alone: float,
    agreement: float,
    second_infill: float,
    depends: bool,
    led: bool,
    most_left: float,
    spare: str,
) -> tuple[str, str]:
    """Find the word and why: what makes the others pointless comes first."""
    if not depends:
        return NOTHING, MEANINGS[NOTHING]
    if not led:
        return NOTHING, "other classes are as likely, so there is no lead to explain"
    if infill_alone >= INFILL_ALONE:
        return INFILL, MEANINGS[INFILL].replace("another", repr(spare)) if spare else MEANINGS[INFILL]
    if math.isnan(keeps) or math.isnan(leaves):
        return FAILED, "what the regions do could not be measured"
    if keeps < KEEPS:
        return FAILED, f"the region keeps {_below(keeps)}"
    if leaves > most_left:
        return FAILED, f"what is outside the destroying region keeps {_above(leaves)}"
    if agreement < AGREEMENT:
        return UNSTABLE, MEANINGS[UNSTABLE]
    if second_infill < SECOND_INFILL:
        return DOUBTFUL, f"under another infill the region keeps {_below(second_infill)}"
    return TRUSTWORTHY, f"the region keeps {keeps * 100:.0f} %, the rest {leaves * 100:.0f} %"


def _below(share: float) -> str:
    """Write a share that is too low, rounded down so that it never reads as enough."""
    return f"{math.floor(round(share * 100, 6))} %"


def _above(share: float) -> str:
    """Write a share that is too high, rounded up so that it never reads as little enough."""
    return f"{math.ceil(round(share * 100, 6))} %"


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
