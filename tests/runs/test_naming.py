"""Naming what is written about photos."""

import unicodedata
from pathlib import Path

import pytest

from captum_scd._errors import UsageError
from captum_scd.runs.naming import find


def names(*arguments: Path, out: Path = Path("elsewhere")) -> list[str]:
    return [photo.name for photo in find(arguments, out)]


def touched(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def test_folders_are_mirrored_in_order(tmp_path):
    touched(tmp_path, "b.JPG", "a.png", "sub/deep/c.tif", "notes.txt", ".hidden.png", ".cache/d.png")
    assert names(tmp_path) == ["a", "b", "sub/deep/c"]


def test_same_stem_keeps_the_suffix(tmp_path):
    touched(tmp_path, "x.jpg", "x.png", "y.png", "sub/x.png")
    assert names(tmp_path) == ["sub/x", "x.jpg", "x.png", "y"]


def test_same_stem_in_another_case_keeps_the_suffix(tmp_path):
    touched(tmp_path, "x.jpg", "X.png")
    assert sorted(names(tmp_path)) == ["X.png", "x.jpg"]


def test_two_folders_with_the_same_names_put_their_own_name_before(tmp_path):
    touched(tmp_path, "one/x.jpg", "two/x.jpg", "two/y.jpg")
    assert names(tmp_path / "one", tmp_path / "two") == ["one/x.jpg", "two/x.jpg", "y"]


def test_photos_whose_names_differ_in_letters_alone_are_told_apart(tmp_path):
    """Upper and lower case, and an accent as one letter or two; the names do not depend on each other."""
    touched(tmp_path, "A.jpg", "a.jpg", "\u00e9.jpg", "e\u0301.jpg", "b.jpg")
    found = names(tmp_path)
    plain = {unicodedata.normalize("NFC", name).casefold() for name in found}
    assert len(plain) == len(found) == 5
    assert "b" in found
    (tmp_path / "b.jpg").unlink()
    assert set(names(tmp_path)) == set(found) - {"b"}


@pytest.mark.parametrize("end", [".json", ".PNG", ".npz"])
def test_results_never_lie_where_a_folder_of_results_is(tmp_path, end):
    touched(tmp_path, "1.jpg", f"1{end}/q.jpg")
    assert sorted(names(tmp_path)) == sorted(["1.jpg", f"1{end}/q"])


def test_names_that_cannot_be_told_apart_are_an_error(tmp_path):
    touched(tmp_path, "a/birds/x.jpg", "b/birds/x.jpg")
    with pytest.raises(UsageError, match="told apart"):
        names(tmp_path / "a/birds", tmp_path / "b/birds")


def test_an_image_given_twice_counts_once(tmp_path):
    touched(tmp_path, "x.jpg")
    assert names(tmp_path, tmp_path / "x.jpg", tmp_path) == ["x"]


def test_a_file_given_by_itself_may_have_any_suffix(tmp_path):
    touched(tmp_path, "x.photo")
    assert names(tmp_path / "x.photo") == ["x"]


def test_results_among_the_images_are_marked(tmp_path):
    touched(tmp_path, "x.jpg", "sub/y.jpg")
    assert names(tmp_path, out=tmp_path) == ["sub/y.fido", "x.fido"]
    assert names(tmp_path, out=tmp_path / "out") == ["sub/y", "x"]


def test_results_never_take_the_place_of_an_image(tmp_path):
    touched(tmp_path, "x.png", "x.fido.png")
    with pytest.raises(UsageError, match="apart from the images"):
        names(tmp_path, out=tmp_path)


def test_nothing_found_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="found none"):
        names(tmp_path)
    with pytest.raises(UsageError, match="there is no"):
        names(tmp_path / "absent.png")
