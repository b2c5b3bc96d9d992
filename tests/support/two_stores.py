"""One of two processes that make the same stores at once: `two_stores.py RANK FOLDER COUNT`.

Prints, for each store, whether this process made it, was refused, or what else it raised.
"""

import sys
import time
from pathlib import Path

from captum_scd.store import MaskStore


def identity(rank: int) -> dict[str, object]:
    """What a process wants the stores to be of."""
    return {"settings": {"seed": rank}, "model": "c0ffee", "classes": [], "preparation": None}


def meet(folder: Path, rank: int, number: int) -> None:
    """Wait for the other process, without sleeping."""
    (folder / f"{number}.{rank}").touch()
    while not (folder / f"{number}.{1 - rank}").exists():
        time.sleep(0)


def main(rank: int, folder: Path, count: int) -> None:
    """Make the stores, one after the other."""
    for number in range(count):
        meet(folder, rank, number)
        try:
            MaskStore.at(folder / f"{number}.zarr", identity(rank))
            print("made")
        except ValueError as error:
            print("refused" if "to be of the same settings" in str(error) else repr(error))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
