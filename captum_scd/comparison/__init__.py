"""Compare attribution methods in one table and figure, and test if their maps depend on training."""

from captum_scd.comparison.measures import DEFAULT_MEASURES, MEASURES
from captum_scd.comparison.methods import DEFAULT_METHODS, METHODS
from captum_scd.comparison.randomization import Randomization, parameter_randomization
from captum_scd.comparison.result import Comparison, Row
from captum_scd.comparison.running import compare

__all__ = [
    "DEFAULT_MEASURES",
    "DEFAULT_METHODS",
    "MEASURES",
    "METHODS",
    "Comparison",
    "Randomization",
    "Row",
    "compare",
    "parameter_randomization",
]
