"""Several looks at an image, one answer.

Every combination maps the logits of all looks, (N, looks, classes), the look at the whole image first, to
logits (N, classes), whose softmax is the combined answer.
"""

from collections.abc import Callable

from torch import Tensor

from captum_scd._strategies import Strategies

Combination = Callable[[Tensor], Tensor]


def replace(looks: Tensor) -> Tensor:
    """Forget the whole image: mean logits of the further looks."""
    return looks[:, 1:].mean(1)


def mean_logits(looks: Tensor) -> Tensor:
    """Mean logits of all looks: the geometric mean of their probabilities, in which each look has a veto."""
    return looks.mean(1)


def mean_probabilities(looks: Tensor) -> Tensor:
    """Mean probabilities of all looks, as logarithms: an unsure look hardly counts."""
    return _mixed(looks, looks.new_ones(looks.shape[:2]))


def confidence(looks: Tensor) -> Tensor:
    """Mean probabilities, each look weighted by the largest probability it gives, as logarithms.

    >>> sure, unsure = torch.tensor([4.0, 0.0]), torch.tensor([0.0, 0.2])
    >>> confidence(torch.stack([sure, unsure])[None]).softmax(1)
    tensor([[0.7911, 0.2089]])
    """
    return _mixed(looks, looks.softmax(2).amax(2))


COMBINATIONS: Strategies[Combination] = Strategies(
    "combine",
    {
        "replace": replace,
        "mean_logits": mean_logits,
        "mean_probabilities": mean_probabilities,
        "confidence": confidence,
    },
)


def _mixed(looks: Tensor, weights: Tensor) -> Tensor:
    """Logarithm of the weighted mean of probabilities; weights (N, looks) need not sum to 1."""
    shares = weights / weights.sum(1, keepdim=True)
    return (looks.log_softmax(2) + shares.log()[..., None]).logsumexp(1)
