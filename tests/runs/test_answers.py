"""A table of answers as the place of results."""

import csv
from pathlib import Path

import pytest

from captum_scd._errors import UsageError
from captum_scd.runs.answers import Answer, AnswerTable
from captum_scd.runs.naming import Photo

FOUND = ("0", "wren, winter", *["1"] * 8)


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    path = tmp_path / 'a,"b"\n.png'
    path.write_bytes(b"pixels")
    return Photo(path, ("a",))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


def test_names_with_commas_and_line_breaks_survive(photo, place):
    table = AnswerTable(place, "asked")
    table.begin([photo], overwrite=False)
    answer = table.put(photo, photo.digest(), FOUND)
    assert table.read() == [answer]
    assert (answer.image, answer.before_name) == (str(photo.path), "wren, winter")


def test_an_answer_is_kept_for_the_same_photo_and_request(photo, place):
    table = AnswerTable(place, "asked")
    table.begin([photo], overwrite=False)
    answer = table.put(photo, photo.digest(), FOUND)
    assert table.begin([photo], overwrite=False) == {"a": answer}
    assert AnswerTable(place, "asked otherwise").begin([photo], overwrite=False) == {}
    assert table.read() == []


@pytest.mark.parametrize("change", ["pixels", "overwrite", "gone"])
def test_an_answer_is_let_go(photo, place, change):
    table = AnswerTable(place, "asked")
    table.begin([photo], overwrite=False)
    table.put(photo, photo.digest(), FOUND)
    if change == "pixels":
        photo.path.write_bytes(b"others")
    if change == "gone":
        photo.path.unlink()
    assert table.begin([photo], overwrite=change == "overwrite") == {}
    assert table.read() == []


def test_answers_to_other_photos_stay(photo, place):
    table = AnswerTable(place, "asked")
    table.begin([photo], overwrite=False)
    answer = table.put(photo, photo.digest(), FOUND)
    table.begin([Photo(photo.path.with_name("b.png"), ("b",))], overwrite=True)
    assert table.read() == [answer]


@pytest.mark.parametrize(
    "name", ["=cmd()", "+1-1", "-a", "@x", "'=x", "''", "'", "\t=x", "-1", "\r=", "a = b"]
)
def test_no_name_is_a_formula_and_all_come_back(place, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path(f"{name}.png")
    path.write_bytes(b"pixels")
    table = AnswerTable(place, "asked")
    table.begin([], overwrite=False)
    photo = Photo(path, ("a",))
    answer = table.put(photo, photo.digest(), ("0", name, "0.5", "1", name, *["-0.5"] * 5))
    assert table.read() == [answer]
    assert table.begin([photo], overwrite=False) == {"a": answer}
    with place.open(encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))[1]
    assert not any(cell[0] in "=+@\t\r" or cell.startswith(("-a", "'-0")) for cell in cells)
    assert cells.count("-0.5") == 5


def test_a_line_that_was_broken_off_is_passed_over(photo, place):
    table = AnswerTable(place, "asked")
    table.begin([photo], overwrite=False)
    answer = table.put(photo, photo.digest(), FOUND)
    with place.open("a", newline="") as file:
        csv.writer(file).writerow(["c.png", "0"])
    assert table.read() == [answer]
    assert isinstance(answer, Answer)


def test_a_full_disk_stops_the_run(photo, place, monkeypatch):
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("captum_scd.runs.answers._write", full)
    with pytest.raises(UsageError, match="No space left"):
        AnswerTable(place, "asked").put(photo, "", FOUND)
