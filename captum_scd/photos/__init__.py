"""Photos: finding them, reading them, and preparing what a network gets to see of them."""

from captum_scd.photos.finding import Found, below
from captum_scd.photos.kinds import left_out
from captum_scd.photos.preparing import ASSUMED, Normalization, PhotoInput, Preparation, View
from captum_scd.photos.reading import read

__all__ = [
    "ASSUMED",
    "Found",
    "Normalization",
    "PhotoInput",
    "Preparation",
    "View",
    "below",
    "left_out",
    "read",
]
