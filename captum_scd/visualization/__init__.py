"""Figures. The only room that imports matplotlib, and only when a figure is asked for.

In every picture bright means important. Colours and line styles survive print in grey and colour blindness.
"""

from captum_scd.visualization.animation import animate_masks
from captum_scd.visualization.comparison import comparison_figure, maps_figure
from captum_scd.visualization.contrast import contrast_figure
from captum_scd.visualization.conversion import image_to_captum, to_captum
from captum_scd.visualization.curves import curves_figure, randomization_figure
from captum_scd.visualization.history import history_figure
from captum_scd.visualization.masks import contours_figure, masks_figure
from captum_scd.visualization.pairs import pair_figure
from captum_scd.visualization.pictures import COLORS, denormalize, overlay

__all__ = [
    "COLORS",
    "animate_masks",
    "comparison_figure",
    "contours_figure",
    "contrast_figure",
    "curves_figure",
    "denormalize",
    "history_figure",
    "image_to_captum",
    "maps_figure",
    "masks_figure",
    "overlay",
    "pair_figure",
    "randomization_figure",
    "to_captum",
]
