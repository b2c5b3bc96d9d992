"""Why a and not b, beside why b and not a: each column true to its own masks."""

import numpy as np
import pytest
import torch
from panels import name, overlaps, picture

from captum_scd import FIDOMasks
from captum_scd.visualization import contrast_figure, overlay

IMAGE = torch.rand(3, 6, 8, generator=torch.Generator().manual_seed(0))
INFILL = torch.full((3, 6, 8), 0.5)
NAMES = ("wren", "robin")


def _masks(rows: slice, columns: slice) -> FIDOMasks:
    ssr, sdr = torch.zeros(1, 1, 6, 8), torch.zeros(1, 1, 6, 8)
    ssr[..., rows, columns] = 1
    sdr[..., rows, columns.start : columns.stop + 1] = 1
    return FIDOMasks(ssr, sdr, size=(6, 8))


A, B = _masks(slice(1, 4), slice(1, 3)), _masks(slice(3, 6), slice(4, 7))


def test_each_column_shows_its_own_masks() -> None:
    _, axes = contrast_figure(IMAGE, INFILL, A, B, NAMES)
    assert axes.shape == (3, 3)
    assert [name(axis) for axis in axes[0]] == ["Photo", "Why wren, not robin?", "Why robin, not wren?"]
    for column, masks in ((axes[:, 1], A), (axes[:, 2], B)):
        ssr, sdr = masks.ssr[0], masks.sdr[0]
        np.testing.assert_allclose(picture(column[0]), overlay(IMAGE, masks.joint[0]))
        np.testing.assert_allclose(picture(column[1]), (ssr * IMAGE + (1 - ssr) * 0.5).permute(1, 2, 0))
        np.testing.assert_allclose(picture(column[2]), ((1 - sdr) * IMAGE + sdr * 0.5).permute(1, 2, 0))
    for axis, image in ((axes[0, 0], IMAGE), (axes[1, 0], IMAGE), (axes[2, 0], INFILL)):
        np.testing.assert_allclose(picture(axis), image.permute(1, 2, 0))


def test_both_joint_regions_are_outlined_on_one_photo() -> None:
    _, axes = contrast_figure(IMAGE, INFILL, A, B, NAMES)
    _, of_a, _, of_b = axes[1, 0].collections
    centres = [lines.get_paths()[0].vertices.mean(0) for lines in (of_a, of_b)]
    np.testing.assert_allclose(centres, [(1.5, 2), (5, 4)], atol=0.5)
    assert "wren" in axes[1, 0].get_xlabel().split("broken")[0]


def test_captions_tell_both_probabilities_and_the_areas() -> None:
    said = {"image": (0.9, 0.05), "ssr_a": (0.8, 0.1), "sdr_b": (0.95, 0.01), "other": (0, 0)}
    _, axes = contrast_figure(IMAGE, INFILL, A, B, NAMES, said)
    assert axes[0, 0].get_xlabel() == "wren 0.900, robin 0.050"
    assert axes[1, 1].get_xlabel() == f"wren 0.800, robin 0.100\nwith {6 / 48:.1%} of the image"
    assert axes[2, 2].get_xlabel() == f"wren 0.950, robin 0.010\nwithout {12 / 48:.1%} of the image"
    assert axes[1, 2].get_xlabel() == f"with {9 / 48:.1%} of the image"
    assert axes[2, 0].get_xlabel() == ""


def test_words_keep_clear_of_each_other_with_long_names_too() -> None:
    said = dict.fromkeys(("image", "infill", "ssr_a", "sdr_a", "ssr_b", "sdr_b"), (0.5, 0.5))
    names = ("American Staffordshire terrier", "Staffordshire bullterrier")
    figure, _ = contrast_figure(IMAGE, INFILL, A, B, names, said, "American Staffordshire terrier or bull?")
    assert overlaps(figure) == []


def test_empty_masks_are_drawn() -> None:
    nothing = FIDOMasks(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), size=(6, 8))
    _, axes = contrast_figure(IMAGE[:1], INFILL[:1], nothing, B, NAMES)
    assert len(axes[1, 0].collections) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": IMAGE[0]}, "`image` of shape"),
        ({"infill": INFILL + 1}, r"`infill` in \[0, 1\]"),
        ({"masks_b": FIDOMasks(torch.ones(2, 1, 3, 3), torch.ones(2, 1, 3, 3), (6, 8))}, "`masks_b` of one"),
        ({"threshold": -1}, r"`threshold` in \[0, 1\]"),
    ],
)
def test_what_does_not_fit_is_answered_in_one_sentence(change, message: str) -> None:
    fitting = {"image": IMAGE, "infill": INFILL, "masks_a": A, "masks_b": B, "names": NAMES}
    with pytest.raises(ValueError, match=f"Expected {message}.*, but got"):
        contrast_figure(**{**fitting, **change})
