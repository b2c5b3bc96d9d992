"""`explain` at work on one image, and what it says of all of them in the end."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from captum_scd import visualization
from captum_scd.cli import verdicts
from captum_scd.cli.classes import Classes
from captum_scd.cli.explainer import Explainer, Explanation
from captum_scd.cli.job import Result
from captum_scd.cli.records import Figure, Summary
from captum_scd.cli.tables import table
from captum_scd.cli.words import predicted_words, question_words, rival_words
from captum_scd.photos import View
from captum_scd.runs.facts import THRESHOLD
from captum_scd.verdict import Verdict

ROWS_SHOWN = 40


@dataclass(frozen=True)
class Explaining:
    """Masks, a figure and a summary of each image.

    Attributes:
        explainer: the network and the question.
    """

    explainer: Explainer
    doing = "explaining"
    did = "explained"

    def __call__(self, view: View) -> Result:
        """Explain what the network sees in a view.

        Raises:
            ImageError: as the explainer does.
        """
        explanation = self.explainer(view)
        return Result(self._figure(view, explanation), explanation.masks, explanation.facts)

    def told(self, summaries: Sequence[tuple[str, Summary]]) -> Iterator[str]:
        """Make a table of the images, and say what is in doubt."""
        yield _table(summaries, self.explainer.classes)
        yield (
            "probability: of the explained class; SSR keeps it with the rest of the image replaced, "
            f"SDR leaves it with the region replaced; masks cut at {THRESHOLD}"
        )
        if self.explainer.contrast is not None:
            other = rival_words(self.explainer.contrast, self.explainer.classes)
            yield f"the masks keep and lose the lead over {other}; the probability may be small in both"
        for doubt in counted_doubts([summary for _, summary in summaries]):
            yield f"note: {doubt}"

    def _figure(self, view: View, explanation: Explanation) -> Figure:
        masks, facts, normalization = explanation.masks, explanation.facts, self.explainer.normalization
        assert masks.infill is not None
        infill = visualization.denormalize(masks.infill, normalization.mean, normalization.std)
        title = question_words(facts, self.explainer.classes)
        figure: Figure
        figure, _ = visualization.masks_figure(
            view.pixels[0], infill[0], masks, facts["probability"], title, THRESHOLD
        )
        return figure


def _table(summaries: Sequence[tuple[str, Summary]], classes: Classes) -> str:
    header = ["image", "predicted", "probability", "SSR keeps", "SSR area", "SDR leaves", "SDR area"]
    numbers = [_numbers(summary) for _, summary in summaries]
    means = [sum(column) / len(column) for column in zip(*numbers, strict=True)]
    rows = [
        [name, predicted_words(summary, classes), *_cells(values)]
        for (name, summary), values in zip(summaries, numbers, strict=True)
    ]
    last = [f"mean of {len(rows)}", "", *_cells(means)]
    _add_verdicts(header, rows, last, [verdicts.recorded(summary) for _, summary in summaries])
    hidden = len(rows) - ROWS_SHOWN
    more = [[f"... and {hidden} more", *[""] * (len(header) - 1)]] if hidden > 0 else []
    return table(header, rows[:ROWS_SHOWN] + more, last)


def _add_verdicts(
    header: list[str], rows: Sequence[list[str]], last: list[str], given: Sequence[Verdict | None]
) -> None:
    """Add a column to a table, where there is something to say in it."""
    if any(given):
        header.append("verdict")
        last.append(verdicts.last_cell(given))
        for row, one in zip(rows, given, strict=True):
            row.append(verdicts.cell(one))


def doubts(summary: Summary) -> Iterator[str]:
    """Say where the cut masks of an image do not do what they are for, or could not.

    Where there is a verdict, it says so. The probability of a class says nothing of its lead over another,
    which a contrast is about.
    """
    verdict = verdicts.recorded(summary)
    if verdict is not None:
        yield from () if verdict.trusted else (verdict.line,)
        return
    if summary.get("contrast") is not None:
        return
    probability = summary["probability"]
    if probability["ssr"] < probability["image"] / 2:
        yield "the SSR keeps less than half of the probability"
    if probability["sdr"] > probability["image"] / 2:
        yield "the SDR leaves more than half of the probability"
    if probability.get("infill", 0.0) > probability["image"] / 2:
        yield "the infill alone keeps more than half of the probability; try another --infill"


def counted_doubts(summaries: Collection[Summary]) -> list[str]:
    """Count the images that are in doubt, by reason."""
    given = [verdicts.recorded(summary) for summary in summaries]
    unjudged = [summary for summary, verdict in zip(summaries, given, strict=True) if verdict is None]
    counts = Counter(doubt for summary in unjudged for doubt in doubts(summary))
    found = sorted(counts.items(), reverse=True)
    return [*verdicts.counted(given), *(f"in {number} of {len(given)} {doubt}" for doubt, number in found)]


def _numbers(summary: Summary) -> tuple[float, ...]:
    probability, area = summary["probability"], summary["area"]
    return probability["image"], probability["ssr"], area["ssr"], probability["sdr"], area["sdr"]


def _cells(numbers: Sequence[float]) -> list[str]:
    return [f"{value:.1%}" if place in (2, 4) else f"{value:.3f}" for place, value in enumerate(numbers)]
