"""Masks show themselves in a notebook."""

import base64
import re
from io import BytesIO

import pytest
import torch
from PIL import Image
from torch import Generator

from captum_scd import FIDOMasks
from captum_scd.verdict import judged

SHAPES = {
    "image": ((1, 4, 3), (40, 30), (96, 128)),
    "large image": ((1, 4, 3), (300, 600), (128, 64)),
    "columns": ((1, 1, 8), (6, 8), (128, 96)),
    "channels": ((3, 1, 1), (6, 8), (128, 96)),
    "signal": ((1, 12), (300,), (128, 16)),
    "volume": ((1, 2, 3, 4), (8, 9, 9), (128, 128)),
    "table": ((7,), (), (128, 16)),
    "text": ((12, 1), (), (128, 16)),
}


def _masks(count: int, cells=(1, 4, 3), size=(8, 6), fill: float | None = None, **facts) -> FIDOMasks:
    values = torch.rand(2, count, *cells, generator=Generator().manual_seed(0))
    return FIDOMasks(*(values if fill is None else torch.full_like(values, fill)), size, **facts)


def _pictures(page: str) -> list[Image.Image]:
    data = re.findall(r"data:image/png;base64,([^\"]+)", page)
    return [Image.open(BytesIO(base64.b64decode(one))) for one in data]


@pytest.mark.parametrize(("cells", "size", "seen"), SHAPES.values(), ids=list(SHAPES))
def test_every_kind_of_masks_has_three_pictures_per_example(cells, size, seen) -> None:
    pictures = _pictures(_masks(2, cells, size)._repr_html_())
    assert [one.size for one in pictures] == 6 * [seen]
    assert all(low < high for low, high in (one.getextrema() for one in pictures)) or cells == (3, 1, 1)


def test_a_picture_is_bright_where_the_mask_is_high() -> None:
    cells = torch.zeros(1, 1, 4, 4)
    cells[..., 1, 2] = 1
    (ssr, _, _) = _pictures(FIDOMasks(cells, 0 * cells, (4, 4))._repr_html_())
    assert ssr.getpixel((80, 48)) == 255
    assert ssr.getpixel((10, 10)) == 0


@pytest.mark.parametrize("fill", [0.0, 1.0, float("nan"), float("inf")])
def test_degenerate_masks_are_shown(fill: float) -> None:
    assert len(_pictures(_masks(1, fill=fill)._repr_html_())) == 3


def test_no_examples_and_many_are_shown() -> None:
    assert "FIDOMasks(0 examples" in _masks(2)[2:]._repr_html_()
    page = _masks(11)._repr_html_()
    assert len(_pictures(page)) == 8 * 3
    assert "and 3 more" in page
    assert len(page) < 100_000


def test_the_line_says_class_verdict_and_areas_and_escapes_them() -> None:
    verdict = judged(0.97, 0.03, 0.0, 0.8, 0.9, depends=True)
    told = {"target": [["<b>", 2]], "infill": "<script>"}
    cells = torch.tensor([[[[0.0, 1.0, 1.0, 0.2]]]])
    page = FIDOMasks(cells, cells / 2, (1, 4), settings=told, verdict=(verdict,))._repr_html_()
    assert "trustworthy" in page
    assert page.count("50.0%") == 2
    assert "<script>" not in page
    assert "<b>" not in page
