"""Boxes and masks of photos, where the network saw them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from stores import corner

from captum_scd.cli.object_regions import Objects
from captum_scd.photos.preparing import Preparation
from captum_scd.store import Entry

ENTRY = Entry("a.jpg", corner(), 0, 0, {}, {})
WIDE = Image.fromarray(np.zeros((48, 96, 3), dtype=np.uint8))
"""Of which the middle 36 x 36 pixels, from x = 30 and y = 6 on, are seen as 24 x 24."""

VIEW = Preparation(24, 32)(WIDE)


def test_a_box_of_the_photo_is_cut_and_scaled_as_the_photo_is():
    region = Objects({"a.jpg": [(36.0, 12.0, 60.0, 24.0)]}).region(ENTRY, VIEW, cut=True)
    expected = torch.zeros(24, 24)
    expected[4:12, 4:20] = 1
    assert torch.equal(region, expected)


def test_several_boxes_are_united():
    region = Objects({"a.jpg": [(36.0, 12.0, 60.0, 24.0), (30.0, 30.0, 66.0, 42.0)]}).region(
        ENTRY, VIEW, True
    )
    assert region.sum() == 8 * 16 + 8 * 24


def test_a_mask_of_the_photo_is_cut_at_any_resolution(tmp_path: Path):
    for scale, name in ((1, "a.jpg.png"), (2, "a.png")):
        white = np.zeros((48 * scale, 96 * scale), dtype=np.uint8)
        white[12 * scale : 24 * scale, 36 * scale : 60 * scale] = 255
        Image.fromarray(white).save(tmp_path / name)
        region = Objects(folder=tmp_path).region(ENTRY, VIEW, cut=True)
        assert region[5:11, 5:19].min() == 1
        assert region.mean() == pytest.approx(8 * 16 / 24**2, abs=0.01)
        (tmp_path / name).unlink()
    assert Objects(folder=tmp_path).region(ENTRY, VIEW, cut=True) is None


def test_what_was_not_seen_is_no_object():
    assert Objects({"a.jpg": [(0.0, 0.0, 20.0, 48.0)]}).region(ENTRY, VIEW, cut=True) is None
    assert Objects({"b.jpg": [(36.0, 12.0, 60.0, 24.0)]}).region(ENTRY, VIEW, cut=True) is None


def test_without_a_photo_boxes_are_of_what_was_seen_or_not_known():
    objects = Objects({"a.jpg": [(2.0, 3.0, 4.0, 5.0)]})
    assert objects.region(ENTRY, None, cut=False)[3:5, 2:4].sum() == 4
    assert objects.region(ENTRY, None, cut=True) is None
