"""Finding photos below folders and URLs."""

import os
from pathlib import Path

import fsspec
import pytest
from matplotlib.figure import Figure

from captum_scd._errors import ImageError, UsageError
from captum_scd.photos.finding import below
from captum_scd.photos.reading import read
from captum_scd.runs.folder import write_figure

FILES = ("b.JPG", "a.png", "sub/deep/c.tif", "sub.png", "t/x.bmp", "notes.txt", ".hidden.png", ".cache/d.png")
FOUND = ["a.png", "b.JPG", "sub/deep/c.tif", "sub.png", "t/x.bmp"]


def touched(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


def names(place: Path | str) -> list[str]:
    return [found.name for found in below(place)]


def test_a_folder_is_gone_through_in_the_order_of_names(tmp_path):
    assert names(touched(tmp_path, *FILES)) == FOUND
    assert [found.place for found in below(tmp_path)] == [tmp_path / name for name in FOUND]


def test_a_url_is_gone_through_as_its_folder_is(tmp_path):
    files = fsspec.filesystem("memory")
    files.put(f"{touched(tmp_path, *FILES)}/", "/finding/", recursive=True)
    for url in ("memory://finding", "memory://finding/", tmp_path.as_uri()):
        assert names(url) == FOUND
        assert [found.place for found in below(url)] == [f"{url.rstrip('/')}/{name}" for name in FOUND]


def test_a_file_by_itself_is_a_photo_whatever_its_name(tmp_path):
    touched(tmp_path, "x.photo", ".x.png")
    fsspec.filesystem("memory").pipe({"/alone/x.photo": b""})
    assert names(tmp_path / "x.photo") == names("memory://alone/x.photo") == ["x.photo"]
    assert names(tmp_path / ".x.png") == [".x.png"]


def test_links_to_files_count_and_links_to_folders_do_not(tmp_path):
    photos = touched(tmp_path / "photos", "a.png")
    touched(tmp_path, "elsewhere/b.png")
    (photos / "link.png").symlink_to(tmp_path / "elsewhere" / "b.png")
    (photos / "lost.png").symlink_to(tmp_path / "nowhere.png")
    (photos / "round").symlink_to(photos)
    assert names(photos) == ["a.png", "link.png"]


def test_our_own_figures_are_no_photos(tmp_path):
    write_figure(Figure((1, 1)), tmp_path / "figure.png")
    assert names(touched(tmp_path, "a.png")) == ["a.png"]


@pytest.mark.parametrize("place", [Path("nowhere"), "memory://nowhere/at/all", "nosuchprotocol://photos"])
def test_what_is_not_there_is_told(place):
    with pytest.raises(UsageError, match=r"nowhere|nosuchprotocol"):
        list(below(place))


@pytest.fixture
def closed(tmp_path, monkeypatch) -> Path:
    """A folder that may not be searched, also where the tests are run by the administrator."""
    touched(tmp_path, "open/a.png", "closed/b.png")
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    return tmp_path / "closed"


def test_a_folder_that_cannot_be_searched_is_found_and_cannot_be_read(closed):
    assert names(closed.parent) == ["closed", "open/a.png"]
    assert names(closed) == ["closed"]
    with pytest.raises(ImageError, match="cannot be searched"):
        read(next(below(closed)).place)
