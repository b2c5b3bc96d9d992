"""Torch's defaults of the process, dtype and device, reach into nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from quick import explain
from torch import Tensor, nn

from captum_scd import infill, metrics
from captum_scd.comparison import compare
from captum_scd.visualization import masks_figure

INFILLS = tuple(infill.INFILLS)


@contextmanager
def _defaults(dtype: torch.dtype | None, device: str | None) -> Iterator[None]:
    """Set defaults of the process; tensors that name no device become "meta" ones, which hold no numbers."""
    torch.set_default_dtype(dtype or torch.float32)
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


def _same(expected: list[Tensor], found: list[Tensor]) -> bool:
    pairs = zip(expected, found, strict=True)
    return all(torch.equal(one.nan_to_num(), two.nan_to_num()) for one, two in pairs)


def _explain(net: nn.Module, images: Tensor) -> list[Tensor]:
    options = {"strategies": {"infill": INFILLS}, "n_iterations": 9, "trajectory": 3, "alternatives": 1}
    attribution, masks = explain(net, images, return_masks=True, **options)
    return [attribution, *masks._tensors().values()]


def _segments(net: nn.Module, images: Tensor) -> list[Tensor]:
    segments = torch.arange(120, device="cpu").view(1, 1, 12, 10) // 10
    return [explain(net, images, feature_mask=segments, baselines=0.1, contrast_target="nearest")]


def _measure(net: nn.Module, images: Tensor) -> list[Tensor]:
    maps = images.abs().mean(1, keepdim=True)
    curves = metrics.insertion_deletion(net, images, maps, target=1)
    return [
        curves.insertion_curve,
        curves.deletion_curve,
        metrics.sufficient_area(net, images, maps, target=1),
        metrics.destroying_area(net, images, maps, target=1),
        metrics.gini(maps),
        metrics.entropy(maps),
    ]


def _infidelity(net: nn.Module, images: Tensor) -> list[Tensor]:
    return [metrics.infidelity(net, images, images, target=1)]


def _compare(net: nn.Module, images: Tensor) -> list[Tensor]:
    rows = compare(net, images, target=1, methods=["random", "saliency"]).rows
    return [row.map for row in rows.values()]


def _draw(net: nn.Module, images: Tensor) -> list[Tensor]:
    _, masks = explain(net, images, return_masks=True)
    figure, _ = masks_figure(images[0].sigmoid(), masks.infill[0].sigmoid(), masks[0])
    figure.canvas.draw()
    plt.close(figure)
    return [masks.bounding_box()]


ANY: dict[str, Callable[..., Any]] = {
    "explain": _explain,
    "segments": _segments,
    "measure": _measure,
    "draw": _draw,
}
OF_DTYPE = {**ANY, "infidelity": _infidelity, "compare": _compare}
"""Captum's own metrics and methods make tensors on the default device."""


@pytest.mark.parametrize("use", OF_DTYPE)
def test_a_default_dtype_changes_nothing(use: str, net: nn.Module, images: Tensor) -> None:
    expected = OF_DTYPE[use](net, images)
    with _defaults(torch.float64, None):
        found = OF_DTYPE[use](net, images)
    assert [one.dtype for one in found] == [one.dtype for one in expected]
    assert all(
        torch.equal(one.nan_to_num(), two.nan_to_num()) for one, two in zip(expected, found, strict=True)
    )


@pytest.mark.parametrize("use", ANY)
def test_a_default_device_changes_nothing(use: str, net: nn.Module, images: Tensor) -> None:
    expected = ANY[use](net, images)
    with _defaults(None, "meta"):
        found = ANY[use](net, images)
    assert all(
        torch.equal(one.nan_to_num(), two.nan_to_num()) for one, two in zip(expected, found, strict=True)
    )
