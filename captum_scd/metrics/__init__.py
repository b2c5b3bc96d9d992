"""How good is a map? Pure functions on batches, for attributions of any method."""

from captum_scd.metrics.compactness import area, total_variation
from captum_scd.metrics.faithfulness import (
    InsertionDeletion,
    destroying_area,
    insertion_deletion,
    probability_under,
    sufficient_area,
)
from captum_scd.metrics.localization import energy_pointing_game

__all__ = [
    "InsertionDeletion",
    "area",
    "destroying_area",
    "energy_pointing_game",
    "insertion_deletion",
    "probability_under",
    "sufficient_area",
    "total_variation",
]
