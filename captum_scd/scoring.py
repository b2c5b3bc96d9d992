"""From the score that is asked for to that of each row: of its target, and its look-alikes where named."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from captum_scd.forward import Query
from captum_scd.look_alikes import Contrast, LookAlikes, Whole, find_look_alikes, plain
from captum_scd.network import independent, module_of
from captum_scd.objective import SCORES, Score, logit

DEFAULT = "log_odds"
"""The score where nothing is said, in whose place that of a model may stand."""

REPLACED = ("log_odds", "contrast")
"""Scores that look-alikes may stand beside: the default, whose place they take, and their own."""

Chosen = str | Callable[..., Tensor]
"""A score by name, a function, or a `Score`."""


@dataclass(frozen=True)
class Scoring:
    """A score with what it asks of each example; scores the rows of a pass.

    Attributes:
        query: the model, and the target of each example.
        score: what is asked, with look-alikes `contrast`.
        look_alikes: of each example, None for a score without.
    """

    query: Query
    score: Score
    look_alikes: LookAlikes | None = None

    def __call__(self, output: Tensor, examples: Tensor) -> Tensor:
        """(model output (rows, ...), the example of each row) -> (rows,)."""
        target, others = self.query.targets(examples), self.look_alikes
        if others is None:
            return scored(self.query, self.score, output, examples)
        return self.score(output, target, others.index[examples], others.named[examples])

    def of(self, examples: Tensor) -> "Scoring":
        """Score some examples alone."""
        others = self.look_alikes
        chosen = None if others is None else LookAlikes(others.index[examples], others.named[examples])
        return replace(self, query=self.query.of(examples), look_alikes=chosen)

    def record(self) -> dict[str, Any]:
        """Score, targets and look-alikes as they were used, an entry per example, as JSON can hold them."""
        target, others = self.query.target, self.look_alikes
        return {
            "score": self.score.name,
            "target": [None] * self.query.count if target is None else plain(target),
            "contrast_target": None if others is None else others.rows(),
        }


def scored(query: Query, score: Score, output: Tensor, examples: Tensor) -> Tensor:
    """Score the rows of a model's output for their targets.

    Where classes are independent, the scores of this package see the target's logit alone, which is the
    log-odds of the class against its absence; a score of the user's sees the output as it is.

    Args:
        query: the model and the targets.
        score: what is asked.
        output: (rows, classes, ...).
        examples: (rows,) the example of each row.
    """
    target = query.targets(examples)
    if query.independent and target is not None and score in SCORES.values():
        return score(logit(output, target), None)
    return score(output, target)


def as_probabilities(forward_func: Callable[..., Any], output: Tensor) -> Tensor:
    """Turn logits into probabilities.

    Args:
        forward_func: the model they come from, which may have independent classes.
        output: (N, classes), or (N,) for one logit per example.

    Returns:
        (N, classes) in [0, 1]; rows sum to 1 unless classes are independent, or there is one alone.

    >>> as_probabilities(nn.Identity(), torch.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    logits = (output[:, None] if output.ndim == 1 else output).float()
    alone = logits.shape[1] == 1 or independent(forward_func)
    return logits.sigmoid() if alone else logits.softmax(1)


def make_scoring(score: Chosen, query: Query, contrast_target: Contrast, whole: Whole) -> Scoring:
    """Bind a score to the targets of a query, and to look-alikes where there are any.

    Args:
        score: name, function or `Score`.
        query: the model and the targets.
        contrast_target: look-alikes, None for a score without.
        whole: hands over the model's output for the whole inputs; called only with look-alikes.

    Raises:
        ValueError: as `used` does.
        AssertionError, IndexError, ValueError: for look-alikes that do not fit; see `find_look_alikes`.
    """
    settled = used(score, contrast_target)
    if contrast_target is None:
        return Scoring(query, settled)
    return Scoring(query, settled, find_look_alikes(contrast_target, query, whole))


def suited(score: Chosen, forward_func: Callable[..., Any]) -> Chosen:
    """Return the score that was chosen; where it is the default, the one that the model says suits it."""
    own: str | None = getattr(module_of(forward_func), "captum_scd_score", None)
    return own if own is not None and score == DEFAULT else score


def used(score: Chosen, contrast_target: object) -> Score:
    """Find the score that is used: the one that was chosen, or with look-alikes `contrast`.

    Raises:
        ValueError: for look-alikes beside another score, and for a score that lacks them.
    """
    chosen, contrast = SCORES.resolve(score), SCORES["contrast"]
    if contrast_target is None:
        if chosen is contrast:
            raise ValueError("Expected a `contrast_target` for score 'contrast', but got None.")
        return chosen
    if not isinstance(score, str) or score not in REPLACED:
        raise ValueError(
            f"Expected no `contrast_target` beside score {chosen.name!r}, in whose place it would stand; "
            "leave `score` at its default, or let a score of your own hold the look-alike."
        )
    return contrast
