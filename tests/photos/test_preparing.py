"""Cutting photos."""

import numpy as np
import pytest
import torch
from PIL import Image

from captum_scd.photos.preparing import Preparation


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


@pytest.mark.parametrize(
    ("size", "resize", "seen", "part"),
    [(28, 32, 0.75 * 49 / 64, "middle 57 %"), (28, 28, 0.75, "middle 75 %")],
)
def test_the_share_of_the_photo_that_is_seen_is_known(size, resize, seen, part):
    view = Preparation(size, resize)(Image.new("RGB", (80, 60)))
    assert view.seen == pytest.approx(seen)
    assert view.part == part


def test_nothing_is_said_of_a_rim():
    view = Preparation(500, 501)(Image.new("RGB", (60, 60)))
    assert 0.99 < view.seen < 1
    assert view.part == ""
