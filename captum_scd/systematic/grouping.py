"""Groups among images that look alike where the masks are."""

from typing import Any

import torch
from torch import Tensor

MOST_GROUPS = 4
LEAST_IMAGES = 5
"""Fewest images of a group; with fewer, no count of them would be surprising."""

CLEAR = 0.4
"""Silhouette in [-1, 1] from which groups are told apart; of images that have none, k-means makes some of 0.2
to 0.35."""

SAMPLE = 2000
"""Images the silhouette is taken of, where there are more."""


def standardized(features: Tensor) -> Tensor:
    """Bring each number of (N, D) to mean 0 and standard deviation 1 over all images; constants become 0."""
    centred = features.double() - features.double().mean(0)
    deviation = centred.square().mean(0).sqrt()
    return centred / deviation.where(deviation > 1e-9, 1.0)


def spread(features: Tensor) -> float:
    """Mean squared distance of (N, D) from their mean; near D for standardised images of all kinds."""
    return (features - features.mean(0)).square().sum(1).mean().item()


def grouped(features: Tensor, seed: int = 0) -> Tensor:
    """Tell groups apart, if there are any, by k-means (Lloyd 1982).

    Of 2 to `MOST_GROUPS` groups, the number with the greatest silhouette (Rousseeuw 1987) is taken.

    Args:
        features: (N, D), standardised.
        seed: of the starts.

    Returns:
        (N,) number of each image's group, the largest being 0; all 0 where no groups stand apart, or one
        would have fewer than `LEAST_IMAGES`.

    Raises:
        ModuleNotFoundError: if scikit-learn is not installed.

    >>> grouped(torch.tensor([[0.0]] * 6 + [[9.0]] * 5)).tolist()
    [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    """
    best, whole = CLEAR, torch.zeros(len(features), dtype=torch.long, device=features.device)
    if len(features) < 2 * LEAST_IMAGES:
        return whole
    values = features.numpy()
    for count in range(2, MOST_GROUPS + 1):
        if len(features.unique(dim=0)) < count:
            break
        numbers, silhouette = _split(values, count, seed)
        if silhouette >= best and int(numbers.bincount(minlength=count).min()) >= LEAST_IMAGES:
            best, whole = silhouette, numbers
    return _by_size(whole)


def _split(values: Any, count: int, seed: int) -> tuple[Tensor, float]:
    try:
        from sklearn.cluster import KMeans
        from sklearn.metrics import silhouette_score
    except ImportError as error:
        raise ModuleNotFoundError(
            "Expected scikit-learn to be installed for groups of images; "
            "pip install 'captum-scd[errors]' has it."
        ) from error
    numbers = KMeans(count, n_init=10, random_state=seed).fit_predict(values)
    size = SAMPLE if len(values) > SAMPLE else None
    silhouette = silhouette_score(values, numbers, sample_size=size, random_state=seed)
    return torch.from_numpy(numbers).long(), float(silhouette)


def _by_size(numbers: Tensor) -> Tensor:
    """Number groups anew, the largest first."""
    order = numbers.bincount().argsort(descending=True, stable=True)
    return order.argsort()[numbers]
