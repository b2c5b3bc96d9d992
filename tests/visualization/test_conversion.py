"""Captum's own pictures take whatever we hand them, and show nothing where there is nothing."""

import warnings

import numpy as np
import pytest
import torch
from captum.attr import visualization as captum_pictures
from panels import draw
from torch import Tensor

from captum_scd.visualization import image_to_captum, to_captum
from captum_scd.visualization.conversion import SIGNS

METHODS = ("heat_map", "masked_image", "alpha_scaling")
PAIRS = [
    (method, sign)
    for method in METHODS
    for sign in SIGNS
    if not (sign == "all" and method in ("masked_image", "alpha_scaling"))
]
"""What Captum draws; it refuses both signs at once for masks and transparency."""

NOISE = torch.randn(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
MAPS = {
    "plain": NOISE,
    "one channel": NOISE[:, :1],
    "zero": torch.zeros(1, 1, 6, 5),
    "constant": torch.full((1, 3, 6, 5), 0.3),
    "negative constant": torch.full((1, 3, 6, 5), -0.3),
    "positive": NOISE.abs(),
    "negative": -NOISE.abs(),
    "cancelling": torch.cat([NOISE[:, :1], -NOISE[:, :1]], dim=1),
    "round-off": NOISE * 1e-9 - 1,
    "tiny": NOISE * 1e-30,
    "huge": NOISE.double() * 1e300,
    "nan": torch.full((1, 1, 6, 5), torch.nan),
    "infinite": torch.full((1, 1, 6, 5), torch.inf),
    "holed": NOISE.where(NOISE > -1, torch.nan),
    "half": NOISE.half() * 6e4,
    "bfloat16": NOISE.bfloat16(),
    "on a graph": NOISE.clone().requires_grad_(),
    "one pixel": torch.nn.functional.pad(torch.ones(1, 1, 1, 1), (4, 0, 5, 0)),
}


def _drawn(attribution: np.ndarray, method: str, sign: str, outliers: float = 2) -> np.ndarray:
    """Captum's picture, as matplotlib holds it; the division by infinity may be warned of."""
    image = image_to_captum(torch.full((1, 3, 6, 5), 0.5), (0, 0, 0), (1, 1, 1))[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "invalid value encountered", RuntimeWarning)
        warnings.filterwarnings("error", "Attempting to normalize")
        _, axis = captum_pictures.visualize_image_attr(
            attribution, image, method, sign, use_pyplot=False, outlier_perc=outliers, fig_size=(1, 1)
        )
    return np.ma.filled(axis.get_images()[-1].get_array(), 0)


@pytest.mark.parametrize("attributions", MAPS.values(), ids=list(MAPS))
def test_captum_draws_any_map_with_every_sign_and_method(attributions: Tensor) -> None:
    for method, sign in PAIRS:
        _drawn(to_captum(attributions, sign)[0], method, sign)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_an_empty_picture_with_its_colour_bar_can_be_rendered() -> None:
    figure, _ = captum_pictures.visualize_image_attr_multiple(
        to_captum(MAPS["zero"], "positive")[0],
        np.full((6, 5, 3), 0.5),
        ["heat_map", "masked_image"],
        ["positive", "positive"],
        use_pyplot=False,
        show_colorbar=True,
    )
    draw(figure)


@pytest.mark.parametrize(
    ("key", "signs"),
    [
        ("zero", SIGNS),
        ("nan", SIGNS),
        ("infinite", SIGNS),
        ("cancelling", SIGNS),
        ("positive", ["negative"]),
        ("negative", ["positive"]),
        ("negative constant", ["positive"]),
        ("round-off", ["positive"]),
    ],
)
def test_where_there_is_nothing_captum_draws_nothing(key: str, signs) -> None:
    for sign in signs:
        attribution = to_captum(MAPS[key], sign)[0]
        assert np.abs(_drawn(attribution, "heat_map", sign)).max() == 0
        if sign != "all":
            assert _drawn(attribution, "masked_image", sign).max() == 0
            assert _drawn(attribution, "alpha_scaling", sign)[..., 3].max() == 0


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sound_map_is_drawn_as_captum_draws_it_itself(sign: str) -> None:
    own = NOISE[0].permute(1, 2, 0).numpy()
    for outliers in (0, 2, 20):
        ours, theirs = (_drawn(one, "heat_map", sign, outliers) for one in (to_captum(NOISE, sign)[0], own))
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("sign", ["all", "positive", "absolute_value"])
def test_a_constant_map_is_even(sign: str) -> None:
    assert np.ptp(_drawn(to_captum(MAPS["constant"], sign)[0], "heat_map", sign)) == 0


def test_holes_are_without_colour_and_the_rest_as_it_was() -> None:
    holed = NOISE[:, :1].clone()
    holed[..., 2, 3] = torch.nan
    filled = holed.nan_to_num(0)
    for sign in SIGNS:
        ours, theirs = (_drawn(to_captum(one, sign)[0], "heat_map", sign) for one in (holed, filled))
        np.testing.assert_array_equal(ours, theirs)
        assert ours[2, 3] == 0


def test_a_batch_gives_one_array_an_image() -> None:
    batch = torch.cat([NOISE, 100 * NOISE])
    arrays = to_captum(batch)
    assert arrays.shape == (2, 6, 5, 1)
    assert arrays.dtype == np.float32
    np.testing.assert_allclose(arrays[0], arrays[1], rtol=1e-5)
    assert np.abs(arrays).max() == 1
    assert torch.equal(batch, torch.cat([NOISE, 100 * NOISE]))


def test_images_are_denormalised_and_grey_ones_get_three_channels() -> None:
    images = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    scaled = (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    np.testing.assert_allclose(image_to_captum(scaled, mean, std), images.permute(0, 2, 3, 1), atol=1e-6)
    grey = image_to_captum(images[:, :1].half(), (0.0,), (1.0,))
    assert grey.shape == (2, 4, 5, 3)
    assert (grey == grey[..., :1]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: to_captum(NOISE[0]), "attributions of shape"),
        (lambda: to_captum(NOISE[:0]), "attributions of shape"),
        (lambda: to_captum(NOISE, "both"), "`sign` to be one of 'all', 'positive'"),
        (lambda: image_to_captum(NOISE[0], (0,) * 3, (1,) * 3), "images of shape"),
        (lambda: image_to_captum(NOISE[:, :2], (0,) * 2, (1,) * 2), "images of shape"),
        (lambda: image_to_captum(NOISE, (0,), (1,)), "`inputs` of shape"),
    ],
)
def test_what_does_not_fit_is_answered_in_one_sentence(call, message: str) -> None:
    with pytest.raises(ValueError, match=f"Expected {message}.*, but got"):
        call()
