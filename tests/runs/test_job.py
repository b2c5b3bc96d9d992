"""One loop over photos, for any work and any place of results."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from captum_scd._errors import ImageError
from captum_scd.runs.job import INTERRUPTED, Job
from captum_scd.runs.naming import Photo


class Sizes:
    """Tells sizes; refuses red photos, stumbles over green ones, is broken off by blue ones."""

    doing = "measuring"
    did = "measured"

    def __call__(self, photo: Image.Image) -> tuple[int, int]:
        errors = {(255, 0, 0): ImageError("it is red"), (0, 128, 0): KeyError("green")}
        colour = photo.getpixel((0, 0))
        if colour in errors:
            raise errors[colour]
        if colour == (0, 0, 255):
            raise KeyboardInterrupt
        return photo.size

    def summary_lines(self, done):
        yield f"told of {[name for name, _ in done]}"


class Kept:
    """Keeps what is put."""

    place = Path("kept")

    def __init__(self, **there: Any) -> None:
        self.there = there

    def begin(self, photos, overwrite):
        return {} if overwrite else dict(self.there)

    def put(self, photo, digest, found):
        self.there[photo.name] = found
        return found


@pytest.fixture
def photos(tmp_path):
    def save(**colours: str) -> list[Photo]:
        for name, colour in colours.items():
            Image.new("RGB", (4, 3), colour).save(tmp_path / f"{name}.png")
        return [Photo(tmp_path / f"{name}.png", (name,)) for name in colours]

    return save


def test_all_are_worked_on_and_told(photos, capsys):
    job = Job(Sizes(), Kept())
    assert job.carry_out(photos(a="white", b="black"), overwrite=False) == 0
    assert job.done == {"a": (4, 3), "b": (4, 3)}
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["told of ['a', 'b']", "2 measured, 0 done before, 0 failed; results in kept"]


def test_what_is_there_is_not_done_again_unless_asked_for(photos, capsys):
    some = photos(a="white", b="black")
    job = Job(Sizes(), Kept(a="there"))
    job.carry_out(some, overwrite=False)
    assert job.done == {"a": "there", "b": (4, 3)}
    assert "1 measured, 1 done before" in capsys.readouterr().out
    again = Job(Sizes(), Kept(a="there"))
    again.carry_out(some, overwrite=True)
    assert again.done["a"] == (4, 3)


def test_failures_are_named_and_the_rest_is_done(photos, capsys):
    some = photos(red="red", green="green", white="white")
    job = Job(Sizes(), Kept())
    assert job.carry_out(some, overwrite=False) == 1
    assert [*job.failed.values()] == ["it is red", "measuring it raised KeyError: 'green'"]
    assert f"captum-scd: not measured: {some[0].path}: it is red" in capsys.readouterr().err


def test_an_interrupt_says_how_many_are_done(photos, capsys):
    job = Job(Sizes(), Kept())
    assert job.carry_out(photos(red="red", a="white", blue="blue", b="black"), False) == INTERRUPTED
    captured = capsys.readouterr()
    assert "interrupted: 1 of 4 images are done; run the same command again" in captured.err
    assert "it is red" in captured.err
    assert captured.out == ""


def test_what_takes_a_photos_place_while_it_is_worked_on_is_not_taken_for_it(photos):
    (photo,) = photos(a="white")
    before = photo.digest()

    class Swapping(Sizes):
        def __call__(self, image: Image.Image) -> tuple[int, int]:
            Image.new("RGB", (5, 5), "black").save(photo.path)
            return super().__call__(image)

    class Told(Kept):
        def put(self, photo, digest, found):
            return super().put(photo, digest, digest)

    job = Job(Swapping(), Told())
    job.carry_out([photo], overwrite=False)
    assert job.done == {"a": before}
    assert not photo.is_still(before)
