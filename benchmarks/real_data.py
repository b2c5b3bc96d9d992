"""Where the network and photos of the benchmarks are; they are research data and not part of this project."""

import argparse
import os
import sys
from pathlib import Path

from captum_scd.cli.options import whole_number

DEFAULT_DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "real"


def parser_with_data(about: str | None) -> argparse.ArgumentParser:
    """Make a parser that knows `--data` and `--threads`."""
    data = Path(os.environ.get("CAPTUM_SCD_REAL_DATA") or DEFAULT_DATA)
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=data, help="CAPTUM_SCD_REAL_DATA or ../shared/real")
    parser.add_argument("--threads", type=whole_number(1), default=2, help="of the processor (%(default)s)")
    return parser


def photos(data: Path) -> list[Path]:
    """Photos beside the network, sorted; where either is missing, say so and give none."""
    found = sorted(data.glob("imagenet/*.jpg"))
    if found and (data / "squeezenet.py").is_file():
        return found
    print(f"Expected squeezenet.py and imagenet/*.jpg in {data}; see --data.", file=sys.stderr)
    return []
