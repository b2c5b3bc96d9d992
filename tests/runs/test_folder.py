"""A folder of results as the place of results."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from captum_scd._errors import ImageError, UsageError
from captum_scd.photos.figures import is_figure
from captum_scd.runs.folder import Files, Folder
from captum_scd.runs.naming import Photo


class Arrays:
    def save(self, path: Path) -> None:
        np.savez(path, ones=np.ones(2))


class Full:
    def save(self, path: Path) -> None:
        raise OSError(28, "No space left on device")


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    Image.new("RGB", (4, 3)).save(tmp_path / "a.png")
    return Photo(tmp_path / "a.png", ("sub/a",))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "out", {"seed": 0})


def files(archive=None, **facts) -> Files:
    return Files(Figure((1, 1)), archive or Arrays(), facts)


def test_three_files_are_written_and_the_summary_read_back(folder, photo):
    told = folder.put(photo, photo.digest(), files(found=3))
    assert told["found"] == 3
    assert (told["image"], told["request"]) == (str(photo.path), {"seed": 0})
    figure, archive, summary = (folder.place / "sub" / f"a{end}" for end in (".png", ".npz", ".json"))
    assert is_figure(figure)
    assert archive == folder.archive(photo)
    assert np.load(archive)["ones"].tolist() == [1, 1]
    assert folder.begin([photo], overwrite=False) == {photo.name: json.loads(summary.read_text())}


@pytest.mark.parametrize("change", ["request", "pixels", "gone", "no archive", "no figure", "cut", "other"])
def test_what_is_not_the_same_and_whole_is_not_done(folder, photo, change):
    folder.put(photo, photo.digest(), files())
    summary = folder.place / "sub" / "a.json"
    changes = {
        "request": lambda: None,
        "pixels": lambda: photo.path.write_bytes(b"others"),
        "gone": photo.path.unlink,
        "no archive": folder.archive(photo).unlink,
        "no figure": (folder.place / "sub" / "a.png").unlink,
        "cut": lambda: summary.write_text(summary.read_text()[:40]),
        "other": lambda: summary.write_text("[1, 2]"),
    }
    changes[change]()
    asked = {"seed": 1} if change == "request" else folder.request
    assert Folder(folder.place, asked).begin([photo], overwrite=False) == {}


def test_nothing_is_done_where_it_is_to_be_done_again(folder, photo):
    folder.put(photo, photo.digest(), files())
    assert folder.begin([photo], overwrite=True) == {}


def test_a_full_disk_leaves_no_summary(folder, photo):
    folder.put(photo, photo.digest(), files())
    with pytest.raises(UsageError, match="No space left"):
        folder.put(photo, photo.digest(), files(Full()))
    assert not (folder.place / "sub" / "a.json").exists()
    assert folder.begin([photo], overwrite=False) == {}


@pytest.mark.parametrize("error", [OSError(36, "name too long"), IsADirectoryError(21, "Is a folder")])
def test_a_name_that_cannot_be_written_is_the_photos_own_error(folder, photo, error):
    class Refused:
        def save(self, path: Path) -> None:
            raise error

    with pytest.raises(ImageError, match=f"its results cannot be written .*{error.strerror}"):
        folder.put(photo, photo.digest(), files(Refused()))


def test_what_a_killed_run_left_is_swept_up(folder, photo):
    folder.put(photo, photo.digest(), files())
    left = folder.place / "sub" / f".{16 * 'a'}.{2**22 + 1}.partial"
    left.touch()
    os.utime(left, (0, 0))
    folder.begin([photo], overwrite=False)
    assert not left.exists()
