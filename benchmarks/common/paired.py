"""Two ways to answer, the same examples: by how much is one better, and how sure is that?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
LEVEL = 0.95

Values = NDArray[np.float64]


def bootstrap_interval(differences: Values, groups: Sequence[object], seed: int = 0) -> tuple[float, float]:
    """Interval of the mean of paired differences (N,), by resampling whole groups of examples.

    Examples that are made of the same photo form a group; percentiles of `RESAMPLES` means.
    """
    _, index = np.unique(np.array([str(group) for group in groups]), return_inverse=True)
    sums, sizes = np.bincount(index, differences), np.bincount(index)
    draws = np.random.default_rng(seed).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[draws].sum(1) / sizes[draws].sum(1)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
