"""Classes by number and by name."""

import pytest

from captum_scd._errors import UsageError
from captum_scd.runs.classes import LARGEST, Classes, read_names

BIRDS = Classes(4, ("Tree Sparrow", "House Sparrow", "crane", "crane"))


def test_numbers_and_names_in_any_case():
    assert [BIRDS.index("--target", text) for text in ("1", "house sparrow", "03")] == [1, 1, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4", "from 0 to 3"),
        ("-1", "from 0 to 3"),
        ("crane", "could mean 2 or 3"),
        ("house sparow", "did you mean 'House Sparrow'"),
        ("zebra", "but got 'zebra'."),
    ],
)
def test_what_is_no_class(text, message):
    with pytest.raises(UsageError, match=message):
        BIRDS.index("--target", text)


def test_name_that_is_another_class_number_is_ambiguous():
    with pytest.raises(UsageError, match="could mean 0 or 1"):
        Classes(2, ("1", "2")).index("--target", "1")


def test_names_must_fit_the_outputs():
    with pytest.raises(UsageError, match="each of the model's 3 outputs, but got 1"):
        Classes(3, ("a",))


def test_files_of_names(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffa \r\nb\u00e9\r\n\r\n".encode())
    assert read_names(path) == ("a", "b\u00e9")
    assert read_names(None) == ()


@pytest.mark.parametrize(
    ("data", "message"), [(b"a\n\nb", "empty one"), (b"", "empty one"), (b"\xff", "UTF-8")]
)
def test_files_that_hold_no_names(tmp_path, data, message):
    path = tmp_path / "names.txt"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_names(path)


def test_any_of_several_classes():
    assert [BIRDS.labels(some) for some in ([2], [0, 2], (1, 0, 3))] == [
        "crane",
        "Tree Sparrow or crane",
        "House Sparrow, Tree Sparrow or crane",
    ]
    assert Classes(2).labels([1, 0]) == "class 1 or class 0"


def test_a_file_that_can_be_no_list_of_names_is_not_read(tmp_path):
    path = tmp_path / "names.txt"
    with path.open("wb") as file:
        file.truncate(LARGEST + (1 << 20))
    with pytest.raises(UsageError, match=r"of 16 MiB at most, but .* has 17"):
        read_names(path)
