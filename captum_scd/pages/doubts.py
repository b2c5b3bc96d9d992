"""Why a result should be looked at twice."""

from collections import Counter
from collections.abc import Iterator, Sequence

from captum_scd.pages import verdicts
from captum_scd.runs.results import Result


def doubts(result: Result) -> Iterator[str]:
    """Say where the cut masks of an image do not do what they are for, or could not.

    Where there is a verdict, it says so. The probability of a class says nothing of its lead over another,
    which a contrast is about.
    """
    if result.verdict is not None:
        yield from () if result.verdict.trusted else (result.verdict.line,)
        return
    if result.contrasted:
        return
    probability = result.probability
    if probability["ssr"] < probability["image"] / 2:
        yield "the SSR keeps less than half of the probability"
    if probability["sdr"] > probability["image"] / 2:
        yield "the SDR leaves more than half of the probability"
    if probability.get("infill", 0.0) > probability["image"] / 2:
        yield "the infill alone keeps more than half of the probability; try another --infill"


def counted_doubts(results: Sequence[Result]) -> list[str]:
    """Count the images that are in doubt, by reason."""
    counts = Counter(doubt for result in results if result.verdict is None for doubt in doubts(result))
    found = sorted(counts.items(), reverse=True)
    judged = verdicts.counted([result.verdict for result in results])
    return [*judged, *(f"in {number} of {len(results)} {doubt}" for doubt, number in found)]
