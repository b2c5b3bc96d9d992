"""Finding, naming, reading and preparing images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile

from captum_scd.cli.errors import ImageError, UsageError
from captum_scd.cli.photos import find
from captum_scd.dataset.pictures import Preparation, read


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


def test_middle_square_is_taken(tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 20, 3), dtype=np.uint8))
    view = Preparation(4, resize=4)(image)
    cut = np.asarray(image.resize((10, 4), Image.Resampling.BILINEAR))[:, 3:7]
    np.testing.assert_allclose(view.pixels[0].permute(1, 2, 0) * 255, cut, atol=1e-4)
    assert view.crop == (6, 0, 14, 8)
    assert view.photo == (20, 8)
    assert view.on_photo([0, 1, 4, 3]) == [6, 2, 14, 6]


def test_a_margin_is_cut_off_without_resampling_where_sizes_allow():
    pixels = np.random.default_rng(0).integers(0, 255, (8, 12, 3), dtype=np.uint8)
    view = Preparation(6, resize=8)(Image.fromarray(pixels))
    np.testing.assert_allclose(view.pixels[0].permute(1, 2, 0) * 255, pixels[1:7, 3:9], atol=1e-4)
    assert view.crop == (3, 1, 9, 7)


def test_shrinking_is_antialiased():
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    view = Preparation(8, resize=8)(Image.fromarray(stripes))
    torch.testing.assert_close(view.pixels, torch.full_like(view.pixels, 0.5), atol=0.02, rtol=0)


def test_size_as_it_is_changes_no_pixel():
    pixels = np.random.default_rng(0).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    view = Preparation(6, resize=6)(Image.fromarray(pixels))
    np.testing.assert_allclose(view.pixels[0].permute(1, 2, 0) * 255, pixels, atol=1e-4)


@pytest.mark.parametrize(("size", "side"), [((70, 35), 28), ((30, 20), 16), ((9, 9), 8), ((600, 500), 32)])
def test_detail_is_the_same_part_at_the_photos_own_resolution(size: tuple[int, int], side: int) -> None:
    prepare = Preparation(8, 10)
    photo = Image.effect_noise(size, 50).convert("RGB")
    view, detail = prepare(photo), prepare.detail(photo)
    assert detail.pixels.shape == (1, 3, side, side)
    assert detail.crop == view.crop
    assert detail.photo == view.photo == size


def test_detail_is_not_resampled_where_the_photo_has_it() -> None:
    photo = Image.effect_noise((50, 40), 50).convert("RGB")
    pixels = Preparation(8, 10).detail(photo).pixels
    part = torch.from_numpy(np.array(photo.crop((9, 4, 41, 36)))).permute(2, 0, 1)[None] / 255
    assert torch.equal(pixels, part)
