"""Photos of kinds that cannot be read are named, not passed over."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from captum_scd._errors import ImageError
from captum_scd.photos.finding import below
from captum_scd.photos.kinds import NO_HEIF, NO_RAW, RAW, left_out
from captum_scd.photos.reading import read


@pytest.fixture
def no_heif(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


def test_they_are_counted_by_what_is_to_be_done(no_heif, tmp_path):
    for name in ("a.png", "b.HEIC", "deep/c.heif", "d.CR3", "notes.txt", ".hidden.nef"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for place in (tmp_path, tmp_path.as_uri()):
        unread: Counter[str] = Counter()
        assert [found.name for found in below(place, unread)] == ["a.png"]
        assert unread == {NO_HEIF: 2, NO_RAW: 1}
        assert left_out(unread).startswith("3 photos left out: ")


@pytest.mark.parametrize("suffix", sorted(RAW))
def test_a_raw_photo_is_not_taken_for_its_thumbnail(tmp_path, suffix):
    Image.new("RGB", (4, 4)).save(tmp_path / "x.tif")
    path = (tmp_path / "x.tif").rename(tmp_path / f"x{suffix.upper()}")
    for place in (path, path.as_uri()):
        with pytest.raises(ImageError, match="save it as JPEG or TIFF"):
            read(place)


HEADER = b"\0\0\0\x18ftypheic" + bytes(20)


@pytest.mark.parametrize("name", ["x.heic", "x.jpg"])
def test_heic_names_its_extra_whatever_the_file_is_called(no_heif, tmp_path, name):
    (tmp_path / name).write_bytes(HEADER)
    with pytest.raises(ImageError, match=r"captum-scd\[heif\]"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["x.HEIC", "x.jpg"])
def test_heic_is_read_where_it_can_be(tmp_path, name):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.new("RGB", (64, 32), (200, 30, 30))).save(tmp_path / "x.heif")
    path: Path = (tmp_path / "x.heif").rename(tmp_path / name)
    assert [found.place for found in below(tmp_path)] == [path]
    assert read(path).size == (64, 32)
    assert read(path).getpixel((9, 9)) == pytest.approx((200, 30, 30), abs=8)
