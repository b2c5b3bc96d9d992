import threading
import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from captum_scd._errors import ImageError
from captum_scd.dataset.loading import loaded
from captum_scd.dataset.parts import Part
from captum_scd.dataset.samples import Sample


def part(name: str, *samples: Sample) -> Part:
    return Part(name, samples, len(samples))


def made(number: int) -> Part:
    return part(str(number), Sample(f"image {number}", lambda: torch.full((1,), number)))


def test_parts_come_in_their_order_with_what_can_be_loaded() -> None:
    def broken() -> Tensor:
        raise ImageError("cut short")

    failed: dict[str, str] = {}
    mixed = part("last", Sample("broken", broken), Sample("whole", torch.ones(1)))
    with loaded([*map(made, range(5)), mixed], workers=3) as coming:
        found = [(sample.key, image.item()) for one in coming for sample, image in one.images(failed)]
    assert found == [*((f"image {number}", number) for number in range(5)), ("whole", 1)]
    assert failed == {"broken": "cut short"}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
@pytest.mark.parametrize("taken", [0, 1])
def test_whoever_leaves_early_leaves_no_thread(count: int, taken: int) -> None:
    before = threading.active_count()
    with loaded(map(made, range(count)), workers=2) as coming:
        for _, _ in zip(range(taken), coming, strict=False):
            pass
        time.sleep(0.01)
    deadline = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_no_more_is_read_than_is_soon_needed() -> None:
    read: list[int] = []

    def parts() -> Iterator[Part]:
        for number in range(50):
            read.append(number)
            yield made(number)

    with loaded(parts(), workers=1) as coming:
        next(coming)
        time.sleep(0.2)
        assert len(read) <= 4


def test_what_reading_raises_comes_after_the_parts_before() -> None:
    def parts() -> Iterator[Part]:
        yield made(0)
        raise OSError("the server is gone")

    with loaded(parts(), workers=1) as coming:
        assert next(coming).part.name == "0"
        with pytest.raises(OSError, match="the server is gone"):
            next(coming)
