"""Crops of many sizes at once against crops one by one."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from captum_scd.classification import crop_resize

BOXES = torch.tensor([[0, 0, 20, 16], [3, 2, 8, 6], [1, 5, 2, 16], [10, 0, 20, 1]])


def one_by_one(images: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    cut = [
        image[None, :, y0:y1, x0:x1] for image, (x0, y0, x1, y1) in zip(images, boxes.tolist(), strict=True)
    ]
    return torch.cat([F.interpolate(one, size, mode="bilinear", antialias=True) for one in cut])


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand(4, 3, 16, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("size", [(16, 20), (40, 33), (5, 3), (1, 1)])
def test_differing_boxes_in_one_go_are_torchs_crops_one_by_one(
    pictures: Tensor, size: tuple[int, int]
) -> None:
    torch.testing.assert_close(crop_resize(pictures, BOXES, size), one_by_one(pictures, BOXES, size))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_box_around_everything_gives_the_image_itself(pictures: Tensor, dtype: torch.dtype) -> None:
    images = pictures.to(dtype)
    same = crop_resize(images, torch.tensor([[0, 0, 20, 16]] * 4), (16, 20))
    assert same.dtype == dtype
    torch.testing.assert_close(same, images, rtol=0, atol=1e-5)


def test_a_box_at_its_own_size_is_a_slice(pictures: Tensor) -> None:
    torch.testing.assert_close(
        crop_resize(pictures[:1], BOXES[1:2], (4, 5)), pictures[:1, :, 2:6, 3:8], rtol=0, atol=1e-12
    )


def test_a_ramp_stays_a_ramp_between_fractional_edges() -> None:
    ramp = torch.arange(32.0, dtype=torch.float64).expand(1, 1, 8, 32)
    cut = crop_resize(ramp, torch.tensor([[4.25, 0.0, 20.25, 8.0]], dtype=torch.float64), (8, 16))
    inner = cut[0, 0, 3, 1:-1]
    torch.testing.assert_close(inner, torch.arange(5.25, 19.25, dtype=torch.float64))


def test_shrinking_loses_no_brightness(pictures: Tensor) -> None:
    whole = torch.tensor([[0, 0, 20, 16]] * 4)
    small = crop_resize(pictures, whole, (4, 5))
    stripes = torch.arange(20).remainder(2).double().expand(4, 3, 16, 20)
    torch.testing.assert_close(
        crop_resize(stripes, whole, (4, 5))[..., 1:-1], torch.full((4, 3, 4, 3), 0.5, dtype=torch.float64)
    )
    assert (small.mean() - pictures.mean()).abs() < 0.02


def test_gradients_are_right(pictures: Tensor) -> None:
    images = pictures[:, :1, :6, :6].clone().requires_grad_()
    boxes = torch.tensor([[0, 0, 6, 6], [1, 2, 4, 6], [0, 0, 1, 1], [2, 2, 5, 5]])
    assert torch.autograd.gradcheck(lambda x: crop_resize(x, boxes, (4, 3)), images)


BAD = [
    (torch.tensor([[0, 0, 21, 16]] * 4), r"inside an image 20 wide and 16 high, but got \[0, 0, 21, 16\]"),
    (torch.tensor([[5, 0, 5, 16]] * 4), "x0 < x1"),
    (torch.tensor([[-1, 0, 5, 16]] * 4), "inside an image"),
    (torch.tensor([[0.0, 0.0, float("nan"), 16.0]] * 4), "inside an image"),
    (torch.tensor([[0, 0, 5, 16]]), r"boxes \(N, 4\), but got \(4, 3, 16, 20\) and \(1, 4\)"),
]


@pytest.mark.parametrize(("boxes", "message"), BAD)
def test_boxes_that_do_not_fit_are_refused(pictures: Tensor, boxes: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        crop_resize(pictures, boxes, (4, 4))
