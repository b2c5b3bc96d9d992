"""Telling photos from figures that this package drew, which lie beside them."""

from pathlib import Path

from PIL import Image

SOFTWARE = "captum_scd"
"""Written into figures, so that no later run takes one for a photo."""


def is_figure(path: Path) -> bool:
    """Tell whether a file is a figure that this package drew; only its header is read."""
    if path.suffix.lower() != ".png":
        return False
    try:
        with Image.open(path, formats=["PNG"]) as image:
            return str(image.info.get("Software", "")).startswith(SOFTWARE)
    except Exception:
        return False
