"""Images of more than 8 bits are not explained nearly black."""

import warnings

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from captum_scd._errors import ImageError
from captum_scd.photos.reading import read

RAMP = np.linspace(0, 1, 64).reshape(8, 8)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_white_is_that_of_the_bits_in_use(tmp_path, bits, suffix):
    path = tmp_path / f"x.{suffix}"
    Image.fromarray((RAMP * (2**bits - 1)).round().astype(np.uint16)).save(path)
    with pytest.warns(UserWarning, match=f"taken for one of {bits} bits"):
        shown = np.asarray(read(path))[..., 0]
    np.testing.assert_allclose(shown, RAMP * 255, atol=1)


def test_what_the_file_says_of_white_counts(tmp_path):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[281] = 4095
    Image.fromarray((RAMP * 1000).astype(np.uint16)).save(tmp_path / "x.tif", tiffinfo=tags)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = np.asarray(read(tmp_path / "x.tif"))[..., 0]
    np.testing.assert_allclose(shown, RAMP * 1000 / 4095 * 255, atol=1)


@pytest.mark.parametrize(("bits", "read_as"), [(12, None), (14, None), (16, "RGB")])
def test_deep_colours_that_would_come_out_black_are_refused(tmp_path, bits, read_as):
    path = tmp_path / "x.ppm"
    values = np.repeat((RAMP * (2**bits - 1)).astype(">u2")[..., None], 3, axis=2)
    path.write_bytes(tiff(values))
    if read_as is None:
        with pytest.raises(ImageError, match=f"use the lower {bits} bits only"):
            read(path)
    else:
        assert read(path).mode == read_as


def tiff(values: np.ndarray) -> bytes:
    """An uncompressed big-endian TIFF of 16-bit colours, which Pillow reads but does not write."""
    height, width, _ = values.shape
    entries = [
        (256, 3, 1, width << 16), (257, 3, 1, height << 16), (258, 3, 3, 122), (259, 3, 1, 1 << 16),
        (262, 3, 1, 2 << 16), (273, 4, 1, 128), (277, 3, 1, 3 << 16), (278, 3, 1, height << 16),
        (279, 4, 1, values.nbytes),
    ]  # fmt: skip
    head = np.array([0x4D4D, 42, 0, 8, len(entries)], ">u2").tobytes()
    table = b"".join(
        np.array([tag, kind], ">u2").tobytes() + np.array([count, value], ">u4").tobytes()
        for tag, kind, count, value in entries
    )
    return (head + table + bytes(4) + np.array([16] * 3, ">u2").tobytes()).ljust(
        128, b"\0"
    ) + values.tobytes()
