"""What a training step costs: plain and with Saliency Guided Dropout, in turns, in the same run.

Times are processor seconds of this process, so that other processes do not count.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from captum_scd.demo import BeetleNet
from captum_scd.regularization import SaliencyGuidedDropout

BATCH, SIZE, CLASSES = 16, 128, 8
UNITS = ("position", "channel", "feature")


class Residual(nn.Module):
    """Two convolutions with batch norm around a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        return F.relu(self.body(x) + self.shortcut(x))


def networks() -> dict[str, tuple[nn.Module, str]]:
    """Networks to measure on, each with the name of its last feature map."""
    stages = [Residual(16, 32, 2), Residual(32, 64, 2), Residual(64, 128, 2), Residual(128, 256, 2)]
    maps = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), *stages)
    residual = nn.Sequential(maps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, CLASSES))
    return {"the demo's network": (BeetleNet(), "features"), "a small residual network": (residual, "0")}


def table(repeats: int) -> dict[str, dict[str, float]]:
    """Measure all networks and units.

    Returns:
        By network and unit: seconds of a plain step and of one with SGDrop, the median of their ratios, and
        forward passes an image without and with a graph up to the layer.
    """
    rows = {}
    for name, (model, layer) in networks().items():
        for unit in UNITS:
            rows[f"{name}, {unit}"] = measure(model, layer, unit, repeats)
    return rows


def measure(model: nn.Module, layer: str, unit: str, repeats: int) -> dict[str, float]:
    """Take `repeats` pairs of steps; one pair before that is not counted."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn((BATCH, 3, SIZE, SIZE), generator=generator)
    labels = torch.arange(BATCH) % CLASSES
    sgdrop = SaliencyGuidedDropout(model, layer, unit=unit)
    pairs = []
    for _ in range(repeats + 1):
        plain = _seconds(lambda: model(images), labels, model)
        pairs.append((plain, _seconds(lambda: sgdrop(images, target=labels), labels, model)))
    with _counted(sgdrop.layer) as passes:
        sgdrop(images, target=labels)
    sgdrop.eval()
    return {
        "plain": statistics.median(plain for plain, _ in pairs[1:]),
        "sgdrop": statistics.median(dropped for _, dropped in pairs[1:]),
        "ratio": statistics.median(dropped / plain for plain, dropped in pairs[1:]),
        "forward": passes.count(False),
        "backward": passes.count(True),
    }


def _seconds(forward: Callable[[], Tensor], labels: Tensor, model: nn.Module) -> float:
    model.zero_grad()
    start = time.process_time()
    F.cross_entropy(forward(), labels).backward()
    return time.process_time() - start


@contextmanager
def _counted(layer: nn.Module) -> Iterator[list[bool]]:
    """For each run of the layer, whether its input has a graph."""
    passes: list[bool] = []
    first = next(module for module in layer.modules() if isinstance(module, nn.Conv2d))
    handle = first.register_forward_hook(lambda _, __, output: passes.append(output.requires_grad))
    try:
        yield passes
    finally:
        handle.remove()
