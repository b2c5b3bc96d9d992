"""Verdicts on maps: in the table and on the page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from captum_scd.report import Column
from captum_scd.verdict import INFILL, MEANINGS, WORDS, Verdict

COLUMNS = (
    Column("trusted", "whether the verdict is trustworthy", better="higher", percent=True),
    Column("infill", "share of the class that the infill alone has", better="lower", percent=True),
    Column("keeps, other infill", "share of the class under it", of="SSR", better="higher", percent=True),
    Column("agreement", "mean IoU of the regions of several starts", of="SSR", better="higher"),
)
"""Numbers of a verdict that the page does not show anyway."""

GUIDE = {"Verdict": f"what is to be thought of a map: {', '.join(WORDS)}. Find a word to see these alone."}


def counted(verdicts: Sequence[Verdict | None]) -> Iterator[str]:
    """Count the images whose maps are not to be trusted, by reason."""
    counts = Counter(one.word for one in verdicts if one is not None and not one.trusted)
    for word, number in counts.most_common():
        why = MEANINGS[word] if word == INFILL else f"{word}: {MEANINGS[word]}"
        yield f"in {number} of {len(verdicts)} {why}"


def cell(verdict: Verdict | None) -> str:
    """Say in a table what is to be thought of an image's map."""
    return "-" if verdict is None else verdict.word


def last_cell(verdicts: Sequence[Verdict | None]) -> str:
    """Say in the last line of a table how many are to be trusted."""
    return f"{sum(one is not None and one.trusted for one in verdicts)} trusted"


def numbers(verdict: Verdict | None) -> Mapping[str, float]:
    """Return what stands in the columns of the page."""
    if verdict is None:
        return {}
    shares = (float(verdict.trusted), verdict.infill_alone, verdict.second_infill, verdict.agreement)
    return dict(zip((column.title for column in COLUMNS), shares, strict=True))


def facts(verdict: Verdict | None) -> dict[str, str]:
    """Return a line for the page; what speaks for a map that is to be trusted stands in it, too."""
    if verdict is None:
        return {}
    return {"verdict": f"{verdict.line}: {verdict.why}" if verdict.trusted else verdict.line}
