"""Reading photos of every kind."""

import os
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image, ImageFile

from captum_scd._errors import ImageError
from captum_scd.photos.reading import read


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


GREY = np.array([[0, 128, 255]], dtype=np.uint8)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "LA", "RGBA", "CMYK"])
def test_every_kind_of_8_bit_image_becomes_rgb(tmp_path, mode):
    suffix = "tif" if mode == "CMYK" else "png"
    image = read(saved(tmp_path / f"x.{suffix}", Image.fromarray(GREY).convert(mode)))
    assert image.mode == "RGB"
    np.testing.assert_allclose(np.asarray(image)[..., 0], GREY, atol=1)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_scaled_not_clipped(tmp_path, suffix):
    image = read(saved(tmp_path / f"x.{suffix}", Image.fromarray(GREY.astype(np.uint16) * 257)))
    np.testing.assert_array_equal(np.asarray(image)[..., 1], GREY)


def test_transparent_parts_become_white(tmp_path):
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (9, 9, 9, 0))
    read_back = read(saved(tmp_path / "x.png", image))
    assert [read_back.getpixel((0, 0)), read_back.getpixel((1, 0))] == [(255, 0, 0), (255, 255, 255)]


def test_palette_with_a_transparent_colour(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 10, 10])
    image.putpixel((1, 0), 1)
    path = saved(tmp_path / "x.gif", image, transparency=0)
    assert read(path).getpixel((0, 0)) == (255, 255, 255)


def test_exif_orientation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "x.jpg", Image.new("RGB", (20, 10)), exif=exif)
    assert read(path).size == (10, 20)


def test_truncated_images_are_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path / "x.jpg", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ImageError, match="cannot be read"):
        read(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_floating_point_pixels_are_refused(tmp_path):
    with pytest.raises(ImageError, match="8 or 16 bits"):
        read(saved(tmp_path / "x.tif", Image.fromarray(np.ones((2, 2), dtype=np.float32))))


def test_a_photo_behind_a_url_reads_as_its_file_does(tmp_path):
    path = saved(tmp_path / "x.png", Image.fromarray(GREY))
    fsspec.filesystem("memory").pipe({"/camera/x.png": path.read_bytes()})
    for place in ("memory://camera/x.png", str(path)):
        assert read(place).tobytes() == read(path).tobytes()


@pytest.mark.parametrize("place", [Path("nowhere.png"), "memory://nowhere.png", "nosuchprotocol://x.png"])
def test_what_is_not_there_is_told(place):
    with pytest.raises(ImageError, match="cannot be read"):
        read(place)


def test_no_other_program_is_started_for_a_file(tmp_path, monkeypatch):
    path = saved(tmp_path / "x.eps", Image.new("RGB", (4, 4))).rename(tmp_path / "x.jpg")
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("a program was started"))
    with pytest.raises(ImageError, match="cannot identify"):
        read(path)


def test_a_photo_that_would_fill_the_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("captum_scd.photos.reading.MOST_PIXELS", 99)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("it was read"))
    path = saved(tmp_path / "x.bmp", Image.new("RGB", (10, 10)))
    with pytest.raises(ImageError, match="10 x 10 pixels"):
        read(path)


def test_a_pipe_and_a_folder_are_no_photos(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="a device or a pipe"):
        read(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="a folder"):
        read(tmp_path)
