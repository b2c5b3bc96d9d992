"""Work for workers that pickles: doubles numbers, and counts what is going on at the same time."""

import time
from collections.abc import Callable


class Doubling:
    made = working = most = 0

    @classmethod
    def make(cls) -> Callable[[int], Callable[[], int]]:
        cls.made += 1
        return cls.prepared

    @classmethod
    def prepared(cls, number: int) -> Callable[[], int]:
        if number < 0:
            raise OSError("no such\nfile")
        return lambda: cls.doubled(number)

    @classmethod
    def doubled(cls, number: int) -> int:
        cls.working += 1
        cls.most = max(cls.most, cls.working)
        time.sleep(0.002)
        cls.working -= 1
        if number == 13:
            raise ValueError("unlucky")
        return 2 * number


def broken() -> None:
    raise RuntimeError("no weights")
