"""Boxes: where they lie is known, since what they surround was put there."""

import math

import pytest
import torch
from torch import Tensor

from captum_scd.classification import BoxRule


def planted(box: tuple[int, int, int, int], size: tuple[int, int] = (224, 224), value: float = 1.0) -> Tensor:
    maps = torch.zeros(1, 1, *size)
    x0, y0, x1, y1 = box
    maps[..., y0:y1, x0:x1] = value
    return maps


BARE = BoxRule(smoothing=0, inside=1, padding=0, least=0)


@pytest.mark.parametrize("value", [1e-6, 0.3, 1.0, 500.0])
def test_without_frills_the_box_is_square_about_what_is_marked(value: float) -> None:
    assert BARE(planted((60, 100, 100, 120), value=value)).tolist() == [[60, 90, 100, 130]]


def test_a_tight_box_keeps_its_own_sides() -> None:
    rule = BoxRule(smoothing=0, inside=1, padding=0, least=0, square=False)
    assert rule(planted((60, 100, 100, 120))).tolist() == [[60, 100, 100, 120]]


def test_padding_and_least_are_in_pixels_of_a_224_pixel_image() -> None:
    assert BoxRule(smoothing=0, inside=1, padding=10, least=0)(planted((60, 100, 100, 120))).tolist() == [
        [50, 80, 110, 140]
    ]
    assert BoxRule(smoothing=0, inside=1, padding=0, least=64)(planted((110, 110, 114, 114))).tolist() == [
        [80, 80, 144, 144]
    ]
    double = planted((120, 200, 200, 240), size=(448, 448))
    assert BoxRule(smoothing=0, inside=1, padding=10, least=0)(double).tolist() == [[100, 160, 220, 280]]


@pytest.mark.parametrize("corner", [(0, 0), (214, 0), (0, 214), (214, 214)])
def test_boxes_at_the_border_are_pushed_inside_and_keep_their_size(corner: tuple[int, int]) -> None:
    x, y = corner
    x0, y0, x1, y1 = BoxRule(smoothing=0, inside=1, padding=20, least=0)(planted((x, y, x + 10, y + 10)))[
        0
    ].tolist()
    assert (x1 - x0, y1 - y0) == (50, 50)
    assert (x0, y0) == (0 if x == 0 else 174, 0 if y == 0 else 174)


def test_boxes_have_the_proportions_of_the_image() -> None:
    x0, y0, x1, y1 = BARE(planted((50, 20, 90, 30), size=(100, 300)))[0].tolist()
    assert (x1 - x0) / (y1 - y0) == pytest.approx(3, abs=0.15)
    assert x0 <= 50
    assert x1 >= 90
    assert y0 <= 20
    assert y1 >= 30


@pytest.mark.parametrize("size", [(224, 224), (100, 300), (7, 5)])
@pytest.mark.parametrize(
    "maps", [torch.zeros, torch.ones, lambda *shape: -torch.ones(shape)], ids=["none", "all", "negative"]
)
def test_nothing_or_everything_is_the_whole_image(size: tuple[int, int], maps) -> None:
    assert BoxRule()(maps(2, 1, *size)).tolist() == [[0, 0, size[1], size[0]]] * 2


def test_a_blank_map_is_the_whole_image_however_little_must_be_inside() -> None:
    rule = BoxRule(inside=0.2, padding=0, least=0)
    assert rule(torch.zeros(1, 1, 30, 40)).tolist() == [[0, 0, 40, 30]]


def test_a_least_side_beyond_the_image_is_the_whole_image() -> None:
    assert BoxRule(least=1e4)(planted((3, 5, 9, 20), size=(40, 60))).tolist() == [[0, 0, 60, 40]]


def test_the_cut_follows_the_peak() -> None:
    maps = planted((20, 20, 40, 40)) + planted((100, 100, 120, 120), value=0.4)
    low, high = (
        BoxRule(threshold, smoothing=0, inside=1, padding=0, least=0)(maps) for threshold in (0.3, 0.5)
    )
    assert low.tolist() == [[20, 20, 120, 120]]
    assert high.tolist() == [[20, 20, 40, 40]]


def test_smoothing_takes_specks_away() -> None:
    maps = planted((100, 100, 140, 140)) + planted((10, 10, 11, 11))
    with_speck = BoxRule(smoothing=0, inside=1, padding=0, least=0)(maps)
    without = BoxRule(smoothing=3, inside=1, padding=0, least=0)(maps)
    assert with_speck.tolist() == [[10, 10, 140, 140]]
    assert (without - torch.tensor([[100, 100, 140, 140]])).abs().max() <= 2


@pytest.mark.parametrize("inside", [0.9, 0.6, 0.31])
def test_as_much_stays_outside_along_an_axis_as_may(inside: float) -> None:
    maps = torch.rand(4, 1, 60, 60, generator=torch.Generator().manual_seed(0)) ** 4
    rule = BoxRule(smoothing=0, inside=inside, padding=0, least=0, square=False)
    for one, (x0, y0, x1, y1) in zip(
        maps[:, 0] >= 0.5 * maps.amax((1, 2, 3))[:, None, None], rule(maps).tolist(), strict=True
    ):
        assert inside <= one[:, x0:x1].sum() / one.sum() < inside + 0.15
        assert inside <= one[y0:y1].sum() / one.sum() < inside + 0.15
        tail = (1 - inside) / 2 * one.sum()
        for beyond, further in (
            (one[:, :x0], one[:, : x0 + 1]),
            (one[:, x1:], one[:, x1 - 1 :]),
            (one[:y0], one[: y0 + 1]),
            (one[y1:], one[y1 - 1 :]),
        ):
            assert beyond.sum() <= tail < further.sum()


def test_stray_spots_do_not_open_the_box() -> None:
    maps = planted((100, 100, 140, 140)) + planted((0, 215, 9, 224))
    everything, most = (BoxRule(smoothing=0, inside=share, padding=0, least=0)(maps) for share in (1, 0.8))
    assert everything.tolist() == [[0, 84, 140, 224]]
    x0, y0, x1, y1 = most[0].tolist()
    assert min(x0, y0) > 90
    assert max(x1, y1) < 150


def test_each_map_has_its_own_box() -> None:
    maps = torch.cat([planted((60, 100, 100, 120)), torch.zeros(1, 1, 224, 224), planted((0, 0, 30, 30))])
    together = BoxRule()(maps)
    assert torch.equal(together, torch.cat([BoxRule()(one[None]) for one in maps]))
    assert together.dtype == torch.long


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_precision(dtype: torch.dtype) -> None:
    maps = planted((60, 100, 100, 120))
    assert torch.equal(BoxRule()(maps.to(dtype)), BoxRule()(maps))


BAD = [
    ({"threshold": 0.0}, "`threshold` to be above 0 and at most 1, but got 0.0"),
    ({"threshold": 1.1}, "`threshold`"),
    ({"threshold": math.nan}, "`threshold`"),
    ({"inside": 0.0}, "`inside` to be above 0 and at most 1, but got 0.0"),
    ({"inside": 1.01}, "`inside`"),
    ({"smoothing": -1.0}, "`smoothing` to be at least 0 and finite, but got -1.0"),
    ({"padding": math.inf}, "`padding`"),
    ({"least": -0.1}, "`least`"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_numbers_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BoxRule(**options)
