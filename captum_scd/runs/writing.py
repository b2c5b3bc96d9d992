"""Writing figures."""

from pathlib import Path
from typing import Any, Protocol

from captum_scd._version import __version__
from captum_scd._writing import replacing
from captum_scd.photos.figures import SOFTWARE

DPI = 150


class Figure(Protocol):
    """What can be saved as a picture; figures of matplotlib can."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the picture to a file."""


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, marked as ours."""
    with replacing(path) as partial:
        figure.savefig(partial, format="png", dpi=DPI, metadata={"Software": f"{SOFTWARE} {__version__}"})
