"""From the score that is asked for to that of each row: of its target, and its look-alikes where named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from captum_scd._strategies import describe
from captum_scd.forward import Query
from captum_scd.look_alikes import Contrast, LookAlikes, Whole, find_look_alikes, plain
from captum_scd.objective import SCORES, Reading, contrast, reading_of

REPLACED = ("log_odds", "contrast")
"""Scores that look-alikes may stand beside: the default, whose place they take, and their own."""

Score = str | Callable[..., Tensor]


@dataclass(frozen=True)
class Scoring:
    """A score with what it asks of each example; scores the rows of a pass.

    Attributes:
        query: the model, and the target of each example.
        name: of the score.
        score: (output, target) -> (rows,), with look-alikes `contrast`.
        look_alikes: of each example, None for a score without.
    """

    query: Query
    name: str
    score: Callable[..., Tensor]
    look_alikes: LookAlikes | None = None

    def __call__(self, output: Tensor, examples: Tensor) -> Tensor:
        """(model output (rows, ...), the example of each row) -> (rows,)."""
        target, others = self.query.targets(examples), self.look_alikes
        if others is None:
            return self.score(output, target)
        return self.score(output, target, others.index[examples], others.named[examples])

    @property
    def reading(self) -> Reading:
        """How the score is read."""
        return reading_of(self.score)

    def record(self) -> dict[str, Any]:
        """Score, targets and look-alikes as they were used, an entry an example, as JSON can hold them."""
        target, others = self.query.target, self.look_alikes
        return {
            "score": self.name,
            "target": [None] * self.query.count if target is None else plain(target),
            "contrast_target": None if others is None else others.rows(),
        }


def make_scoring(score: Score, query: Query, contrast_target: Contrast, whole: Whole) -> Scoring:
    """Bind a score to the targets of a query, and to look-alikes where there are any.

    Args:
        score: name or function.
        query: the model and the targets.
        contrast_target: look-alikes, None for a score without.
        whole: hands over the model's output for the whole inputs; called only with look-alikes.

    Raises:
        ValueError: for look-alikes beside another score, and for a score that lacks them.
        AssertionError, IndexError, ValueError: for look-alikes that do not fit; see `find_look_alikes`.
    """
    name = score_name(score, contrast_target)
    if contrast_target is None:
        return Scoring(query, name, SCORES.resolve(score))
    return Scoring(query, name, contrast, find_look_alikes(contrast_target, query, whole))


def score_name(score: Score, contrast_target: object) -> str:
    """Name the score that is used; raises a ValueError where score and look-alikes do not go together."""
    if contrast_target is None:
        if isinstance(score, str) and score == "contrast":
            raise ValueError("Expected a `contrast_target` for score 'contrast', but got None.")
        return describe(score)
    if not isinstance(score, str) or score not in REPLACED:
        raise ValueError(
            f"Expected no `contrast_target` beside score {describe(score)!r}, in whose place it would stand; "
            "leave `score` at its default, or let a score of your own hold the look-alike."
        )
    return "contrast"
