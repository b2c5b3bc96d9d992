"""Pictures and maps go into text and come back."""

import base64
import io

import numpy as np
import pytest
import torch
from pages import decoded, entry
from PIL import Image

from captum_scd.report import Entry, Map
from captum_scd.report.pixels import CELLS, INFILL_ROOM, PICTURE_ROOM, SIDE, pixels


def opened(address: str) -> Image.Image:
    kind, data = address.split(",", 1)
    assert kind == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def test_a_map_keeps_its_resolution_and_its_values():
    values = torch.rand(28, 19, generator=torch.Generator().manual_seed(0))
    held = pixels(Entry("a", torch.zeros(1, 4, 4), [Map("SSR", values)], {}))["maps"][0]
    assert held["name"] == "SSR"
    assert decoded(held).shape == (28, 19)
    assert (decoded(held) - values).abs().max() <= 0.5 / 255 + 1e-6


def test_a_mean_costs_no_room():
    assert pixels(entry("a"))["maps"][2] == {"name": "both", "of": ["left", "top"]}


def test_a_map_finer_than_the_page_is_averaged():
    values = torch.zeros(2 * CELLS, 10)
    values[::2] = 1
    held = decoded(pixels(Entry("a", torch.zeros(1, 4, 4), [Map("m", values)], {}))["maps"][0])
    assert held.shape == (CELLS, 10)
    assert (held - 0.5).abs().max() < 0.01


def test_a_picture_looks_as_it_did():
    ramp = torch.linspace(0, 1, 64).expand(3, 48, 64) * torch.tensor([1.0, 0.5, 0.2]).view(3, 1, 1)
    image = opened(pixels(Entry("a", ramp, [], {}))["picture"])
    assert image.size == (64, 48)
    assert np.abs(np.asarray(image) / 255 - ramp.permute(1, 2, 0).numpy()).mean() < 0.01


def test_grey_becomes_rgb():
    image = opened(pixels(Entry("a", torch.full((1, 8, 8), 0.5), [], {}))["picture"])
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image).astype(int) - 128).max() <= 2


@pytest.mark.parametrize(
    ("shape", "size"),
    [((3, 2 * SIDE, SIDE), (SIDE // 2, SIDE)), ((3, 10, SIDE), (SIDE, 10)), ((1, 1, 1), (1, 1))],
)
def test_only_large_pictures_shrink(shape, size):
    assert opened(pixels(Entry("a", torch.full(shape, 0.5), [], {}))["picture"]).size == size


def test_even_noise_fits_its_room():
    noise = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    held = pixels(Entry("a", noise, [], {}, infill=noise))
    for name, room in (("picture", PICTURE_ROOM), ("infill", INFILL_ROOM)):
        assert 0 < len(base64.b64decode(held[name].split(",")[1])) <= room


def test_without_an_infill_there_is_none():
    assert pixels(entry("a", infill=None))["infill"] is None


def test_gradients_and_half_precision_do_no_harm():
    values = torch.full((2, 2), 0.5, dtype=torch.bfloat16, requires_grad=True)
    picture = torch.full((3, 4, 4), 0.5, dtype=torch.float16, requires_grad=True)
    held = pixels(Entry("a", picture, [Map("m", values)], {}))
    assert decoded(held["maps"][0])[0, 0].item() == pytest.approx(0.5, abs=0.01)
