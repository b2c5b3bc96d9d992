"""The photos of the benchmarks: where they lie, which are taken, and how they are read.

They are research data and not part of this project.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from captum_scd.cli.option_types import whole_number
from captum_scd.cli.read_options import IMAGENET_MEAN, IMAGENET_STD
from captum_scd.photos.preparing import Normalization
from captum_scd.photos.reading import read as read_photo

DEFAULT_DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "real"


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


def read(path: Path, size: int, middle: int = 227) -> Tensor:
    """Read the middle of a photo as normalised RGB (1, 3, size, size), as the network was trained.

    So many px are cut out of 256, at other sizes in the same proportion; at that size nothing is resampled.
    """
    photo = read_photo(path)
    width, height = photo.size
    side = min(width, height) * middle / 256
    left, top = round((width - side) / 2), round((height - side) / 2)
    box = (left, top, left + round(side), top + round(side))
    image = photo.resize((size, size), Image.Resampling.BILINEAR, box=box)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    return Normalization(IMAGENET_MEAN, IMAGENET_STD)(pixels)


def batches(paths: Sequence[Path], size: int, count: int, middle: int = 227) -> Iterator[Tensor]:
    """Read `count` photos at a time, (count, 3, size, size)."""
    for start in range(0, len(paths), count):
        inputs = torch.cat([read(path, size, middle) for path in paths[start : start + count]])
        yield inputs.contiguous(memory_format=torch.channels_last)


def spread(paths: Sequence[Path], count: int) -> list[Path]:
    """Choose `count` photos, evenly from the sorted list."""
    count = min(count, len(paths))
    return [paths[i * len(paths) // count] for i in range(count)]


def shuffled(paths: Sequence[Path]) -> list[Path]:
    """Put photos into an order of chance, the same each time."""
    return [paths[i] for i in np.random.default_rng(0).permutation(len(paths))]
