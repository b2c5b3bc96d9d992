"""Network outputs to scores, scores and masks to the SSR/SDR loss.

Targets arrive here as one form: a long tensor (rows, d) that indexes the output's dimensions after the
first, or None where the model gives one number per row. Where classes lie is said by `class_axis`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from captum_scd._strategies import Strategies, describe


def log_odds(output: Tensor, target: Tensor | None) -> Tensor:
    """Log-odds of the class, logit_c - logsumexp of the *other* logits (SSR and SDR score of FIDO).

    Args:
        output: logits (rows, classes), (rows, steps, classes) or (rows, classes, ...), or (rows,) for one
            logit per row, which is its own log-odds.
        target: (rows, d) index of the class (and of further dimensions), None for one logit per row.

    Returns:
        (rows,) log-odds, unbounded; larger means surer of the class. Exact where the class has all the
        probability, since the class is left out of the sum rather than set to zero.
    """
    if target is None or output.shape[class_axis(output.shape)] == 1:
        return logit(output, target)
    logits, index = class_logits(output, target)
    others = logits.scatter(1, index, float("-inf"))
    return logits.gather(1, index).squeeze(1) - others.logsumexp(1)


def log_prob(output: Tensor, target: Tensor | None) -> Tensor:
    """Log-probability of the class, (rows,), at most 0; arguments as for `log_odds`."""
    return F.logsigmoid(log_odds(output, target))


def prob(output: Tensor, target: Tensor | None) -> Tensor:
    """Softmax probability of the class, (rows,), in [0, 1]; arguments as for `log_odds`."""
    return torch.sigmoid(log_odds(output, target))


def logit(output: Tensor, target: Tensor | None) -> Tensor:
    """The model's own output for the target, (rows,), or (rows, K) for K of them, (rows, K, d) indices."""
    return output if target is None else output[_coordinates(target)]


def similarity(output: Tensor, target: Tensor | None) -> Tensor:
    """Cosine similarity to a reference as the model gives it, (rows,) in [-1, 1]; see `similarity_to`.

    The share that is kept counts from the similarity of the bare infill, 0, to that of the whole image, 1,
    since cosines have no natural zero: in many networks any two images have 0.5 or more. The loss is linear,
    because the cosine at which a similarity counts as lost differs from image to image; for log-odds it is
    about 0.
    """
    return logit(output, target)


def contrast(output: Tensor, target: Tensor, others: Tensor, named: Tensor | None = None) -> Tensor:
    """Why a and not b or c: logit_a - logsumexp of the look-alikes' logits, log-odds among these alone.

    One look-alike gives logit_a - logit_b, all other classes give `log_odds`. The gradient is that of
    logit_a - sum_k w_k logit_k, where w_k is the probability of look-alike k among the look-alikes, as in
    Finer-CAM (Zhang et al. 2025, arXiv 2501.11309), taken at what the row shows; with weights held fixed, a
    could be ahead of their mean and yet behind one of them.

    Args:
        output: logits (rows, classes, ...).
        target: (rows, d) index of class a.
        others: (rows, K, d) indices of its look-alikes.
        named: (rows, K) boolean, False for those that do not count; all count by default.

    Returns:
        (rows,) log-odds, unbounded; larger means more a than its look-alikes.

    >>> index = torch.tensor([[[0], [1], [2]]])
    >>> contrast(torch.tensor([[5.0, 3.0, 3.0]]), index[:, 0], index[:, 1:2])
    tensor([2.])
    """
    logits = logit(output, others)
    counted = logits if named is None else logits.masked_fill(~named, float("-inf"))
    return logit(output, target) - counted.logsumexp(1)


def _coordinates(target: Tensor) -> tuple[Tensor, ...]:
    rows = torch.arange(len(target), device=target.device)
    return (rows.view(-1, *[1] * (target.ndim - 2)), *target.unbind(-1))


def class_axis(shape: Sequence[int]) -> int:
    """Find the dimension of an output along which the classes lie.

    The last one of a sequence, (rows, steps, classes), as its targets (step, class) say; else dimension 1, as
    for (rows, classes) and for maps (rows, classes, H, W), whose targets are (class, y, x).

    >>> class_axis((8, 5)), class_axis((8, 12, 5)), class_axis((8, 5, 32, 32))
    (1, 2, 1)
    """
    return 2 if len(shape) == 3 else 1


def class_logits(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (rows, classes) at the target's further dimensions, and the class index (rows, 1)."""
    axis = class_axis(output.shape)
    place = list(_coordinates(target))
    own = place.pop(axis)
    logits = output.movedim(axis, -1)[tuple(place)]
    return logits, own.remainder(output.shape[axis]).unsqueeze(1)


@dataclass(frozen=True)
class Score:
    """A score, and what it says of an SSR and of an SDR composite (Chang et al. 2019, equations 3 and 4).

    Attributes:
        function: (output, target) -> (rows,); with look-alikes as `contrast`.
        keep: score -> loss of an SSR composite, which must keep the class; the score itself by default, so
            that the loss goes down as the score goes up.
        destroy: score -> loss of an SDR composite, which must lose the class.
        amount: score -> how much of the class is there, not below 0; None if the score has no such scale, and
            is measured from the bare infill's to the whole image's.
        least: the score that a whole image must have, for there to be anything to explain; for scores without
            an amount, how much more than the bare infill's.

    >>> Score(logit).keep(torch.tensor([2.0]))
    tensor([-2.])
    """

    function: Callable[..., Tensor]
    keep: Callable[[Tensor], Tensor] = torch.neg
    destroy: Callable[[Tensor], Tensor] = torch.Tensor.clone
    amount: Callable[[Tensor], Tensor] | None = None
    least: float = float("-inf")

    def __call__(self, *arguments: Tensor | None) -> Tensor:
        """Score the rows of an output, as the function does."""
        return self.function(*arguments)

    @property
    def name(self) -> str:
        """What records call it."""
        return describe(self.function)


def _lost(score: Tensor) -> Tensor:
    """-log sigmoid(-score): no more to gain once the class is lost, so that area decides."""
    return F.softplus(score)


def _kept(score: Tensor) -> Tensor:
    """-log sigmoid(score): no more to gain once the class is kept."""
    return F.softplus(-score)


def _preferred(score: Tensor) -> Tensor:
    """How much likelier class a is than its look-alikes, in [0, 1]: 0 where they are even, or ahead."""
    return torch.tanh(score / 2).clamp(min=0)


class Scores(Strategies[Score]):
    """The scores by name, each with how it is read."""

    def resolve(self, strategy: str | Callable[..., Tensor]) -> Score:
        """Find the score of that name or function; a function of the user's becomes a score of its own.

        >>> SCORES.resolve(prob) is SCORES["prob"]
        True
        >>> SCORES.resolve(lambda output, target: output[:, 0]).amount is None
        True
        """
        if callable(strategy) and not isinstance(strategy, Score):
            return next((known for known in self.values() if known.function is strategy), Score(strategy))
        return super().resolve(strategy)


LEAST_LEAD = 0.1
"""Logits by which a class must lead its look-alikes, for there to be a lead to explain."""

LEAST_SIMILARITY = 0.05
"""Cosine similarity that an image must have beyond its infill's."""

SCORES = Scores(
    "score",
    {
        "log_odds": Score(log_odds, _kept, _lost, torch.sigmoid),
        "log_prob": Score(log_prob, amount=torch.exp),
        "logit": Score(logit),
        "prob": Score(prob, amount=torch.Tensor.clone),
        "contrast": Score(contrast, _kept, _lost, _preferred, least=LEAST_LEAD),
        "similarity": Score(similarity, least=LEAST_SIMILARITY),
    },
)
"""The scores by name. A new one is one function and one line here."""
