"""Questions, answers and doubts in words."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from captum_scd.runs.classes import Classes
from captum_scd.runs.results import Result
from captum_scd.verdict import INFILL, MEANINGS, Verdict


def predicted_words(predicted: int, target: int, classes: Classes, true: int | None = None) -> str:
    """Name the class that was predicted, and the explained and the true one where they are others."""
    others = {"explained": target, "true": true}
    words = [
        f"{word}: {classes.label(other)}" for word, other in others.items() if other not in (None, predicted)
    ]
    return classes.label(predicted) + (f" ({', '.join(words)})" if words else "")


def question_words(
    target: int, others: Sequence[int], predicted: int, chance: float, classes: Classes
) -> str:
    """Say what was asked about an image, and what was predicted where that is another class.

    Args:
        target: class that is explained.
        others: classes it is contrasted with.
        predicted: class with the largest probability.
        chance: that probability.
        classes: their names.
    """
    title = f"Why {classes.label(target)}"
    title += f" and not {classes.labels(others)}?" if others else "?"
    if predicted == target:
        return title
    return f"{title}   (predicted: {classes.label(predicted)}, {chance:.2f})"


def title_words(target: int | None, contrast: int | str | None, classes: Classes) -> str:
    """Say what was asked about all images; a target of None stands for what is predicted."""
    why = "Which pixels decide" if target is None else f"Why {classes.label(target)}"
    return f"{why}?" if contrast is None else f"{why}, and not for {rival_words(contrast, classes)}?"


def rival_words(contrast: int | str, classes: Classes) -> str:
    """Name what all images are contrasted with; which classes are nearest is another matter for each."""
    return "its nearest classes" if isinstance(contrast, str) else classes.label(contrast)


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
    half = probability.get("image", math.nan) / 2
    if probability.get("ssr", math.nan) < half:
        yield "the SSR keeps less than half of the probability"
    if probability.get("sdr", math.nan) > half:
        yield "the SDR leaves more than half of the probability"
    if probability.get("infill", math.nan) > half:
        yield "the infill alone keeps more than half of the probability; try another --infill"


def counted_doubts(results: Sequence[Result]) -> list[str]:
    """Count the images that are in doubt, by reason."""
    unjudged = Counter(doubt for result in results if result.verdict is None for doubt in doubts(result))
    found = sorted(unjudged.items(), reverse=True)
    judged = _counted_verdicts([result.verdict for result in results])
    return [*judged, *(f"in {number} of {len(results)} {doubt}" for doubt, number in found)]


def _counted_verdicts(verdicts: Sequence[Verdict | None]) -> Iterator[str]:
    """Count the images whose maps are not to be trusted, by reason."""
    distrusted = [one for one in verdicts if one is not None and not one.trusted]
    refused = {one.line for one in distrusted if one.word == INFILL}
    whys = {word: f"{word}: {why}" for word, why in MEANINGS.items()}
    whys[INFILL] = refused.pop() if len(refused) == 1 else MEANINGS[INFILL]
    for word, number in Counter(one.word for one in distrusted).most_common():
        yield f"in {number} of {len(verdicts)} {whys[word]}"
