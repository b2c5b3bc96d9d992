"""Two photos and what makes them alike: what stands where, and what does not fit."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from models import spotted
from panels import name, overlaps, picture, words

from captum_scd import FIDOMasks
from captum_scd.pairs import Pair
from captum_scd.verdict import judged
from captum_scd.visualization import pair_figure
from captum_scd.visualization.pairs import COLUMNS

IMAGES = torch.stack([spotted(red=(1, 2)), spotted(red=(8, 1))])
INFILL = torch.zeros_like(IMAGES)


@pytest.fixture
def pair() -> Pair:
    ssr, sdr = torch.zeros(2, 1, 12, 12), torch.zeros(2, 1, 12, 12)
    ssr[0, :, 1:4, 2:5] = ssr[1, :, 8:11, 1:4] = 1.0
    sdr[0, :, 2:4, 2:5] = 1.0
    good = judged(0.9, 0.1, 0.0, 0.9, 0.9, depends=True)
    bad = judged(0.2, 0.1, 0.0, 0.9, 0.9, depends=True)
    similarity = {
        "image": (0.62, 0.62), "infill": (0.21, 0.17), "ssr": (0.58, 0.3),
        "sdr": (0.25, 0.19), "both": (0.55, 0.55)
    }  # fmt: skip
    return Pair(
        FIDOMasks(ssr, sdr, size=(12, 12), infill=INFILL, verdict=(good, bad)),
        {key: torch.tensor(values) for key, values in similarity.items()},
    )


def test_each_image_has_a_row_with_its_numbers(pair) -> None:
    figure, axes = pair_figure(IMAGES, INFILL, pair, names=("Ada.jpg", "Bea.jpg"), title="The same fox?")
    assert [name(axis) for axis in axes[0]] == list(COLUMNS.values())
    assert axes[0, 0].get_xlabel() == "Ada.jpg (all replaced: 0.210)"
    left, lost = (axes[1, column].get_xlabel().replace("\n", " ") for column in (2, 3))
    assert left == f"similarity 0.300, with {9 / 144:.1%} of the image"
    assert lost == "similarity 0.190, without 0.0% of the image"
    said = words(figure)
    assert said[:2] == ["The same fox?", "similarity 0.620 of at most 1; between the two SSRs alone 0.550"]
    assert said[2:] == ["Ada.jpg: trustworthy", "Bea.jpg: failed: the region keeps 20 %"]


def test_panels_show_what_the_regions_do(pair) -> None:
    _, axes = pair_figure(IMAGES, INFILL, pair)
    for row, (top, left) in enumerate([(1, 2), (8, 1)]):
        whole, alone = picture(axes[row, 0]), picture(axes[row, 2])
        place = (slice(top, top + 3), slice(left, left + 3))
        np.testing.assert_allclose(alone[place], whole[place])
        assert alone.sum() == pytest.approx(alone[place].sum())
    assert picture(axes[0, 3])[2:4, 2:5].sum() == 0
    assert (picture(axes[1, 3]) == picture(axes[1, 0])).all()


@pytest.mark.parametrize("judged_", [True, False])
def test_nothing_overlaps(pair, judged_: bool) -> None:
    shown = pair if judged_ else replace(pair, masks=replace(pair.masks, verdict=()))
    names = ("2026-07-03_camera_12_station_north_IMG_00231.JPG", "b.jpg")
    figure, _ = pair_figure(IMAGES, INFILL, shown, names)
    assert overlaps(figure) == []


def test_what_does_not_fit_is_refused(pair) -> None:
    with pytest.raises(ValueError, match="`images` to have one entry per image"):
        pair_figure(IMAGES[:1], INFILL, pair)
    with pytest.raises(ValueError, match="`names` to have one entry"):
        pair_figure(IMAGES, INFILL, pair, names=("a",))
    with pytest.raises(ValueError, match="`pair` of one image of size"):
        pair_figure(torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8), pair)
