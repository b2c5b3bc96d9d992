"""What a run has measured, kept in a JSON file, so that the same command goes on from there."""

import json
from pathlib import Path
from typing import Any

from captum_scd.provenance import versions


def earlier(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What a run with the same settings and versions has left; empty where there is none."""
    left: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return left if (left.get("settings"), left.get("versions")) == (settings, versions()) else {}


def keep(path: Path, settings: dict[str, Any], **measured: Any) -> None:
    """Write what is measured so far, and what it depends on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"settings": settings, "versions": versions(), **measured}
    path.write_text(json.dumps(told, indent=1) + "\n")
