"""How good is a map? Pure functions on batches, for attributions of any method.

Faithful to the model: `insertion_deletion`, `road`, `sufficient_area`, `destroying_area`, `probability_kept`,
`probability_left`, `probability_under`, `mask_probabilities`, `infidelity`. In the right place:
`pointing_game`, `energy_pointing_game`, `iou`, `precision`, `recall`. Compact: `area`, `entropy`, `gini`,
`total_variation`. Steady: `sensitivity`, `rank_correlation`.
"""

from captum_scd.metrics.agreement import rank_correlation
from captum_scd.metrics.areas import destroying_area, sufficient_area
from captum_scd.metrics.compactness import area, entropy, gini, total_variation
from captum_scd.metrics.curves import InsertionDeletion, insertion_deletion, road
from captum_scd.metrics.fidelity import infidelity
from captum_scd.metrics.localization import (
    box_region,
    energy_pointing_game,
    iou,
    pointing_game,
    precision,
    recall,
)
from captum_scd.metrics.probability import (
    mask_probabilities,
    probability_kept,
    probability_left,
    probability_under,
)
from captum_scd.metrics.robustness import Sensitivity, sensitivity

__all__ = [
    "InsertionDeletion",
    "Sensitivity",
    "area",
    "box_region",
    "destroying_area",
    "energy_pointing_game",
    "entropy",
    "gini",
    "infidelity",
    "insertion_deletion",
    "iou",
    "mask_probabilities",
    "pointing_game",
    "precision",
    "probability_kept",
    "probability_left",
    "probability_under",
    "rank_correlation",
    "recall",
    "road",
    "sensitivity",
    "sufficient_area",
    "total_variation",
]
