"""A network of the size of ResNet-50 (He et al. 2016, arXiv 1512.03385, table 1), to measure speed on."""

import torch.nn.functional as F
from torch import Tensor, nn

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Width, number of blocks and stride of each stage."""

EXPANSION = 4


class Bottleneck(nn.Module):
    """Three convolutions with batch norm around a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * width
        self.body = nn.Sequential(
            *_convolution(inputs, width, 1),
            nn.ReLU(inplace=True),
            *_convolution(width, width, 3, stride),
            nn.ReLU(inplace=True),
            *_convolution(width, outputs, 1),
        )
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(*_convolution(inputs, outputs, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, 4 * width, H / stride, W / stride)."""
        return F.relu(self.body(x) + self.shortcut(x), inplace=True)


def resnet50(classes: int = 1000) -> nn.Module:
    """Stack the stages, with random weights."""
    blocks, inputs = [], 64
    for width, count, stride in STAGES:
        for place in range(count):
            blocks.append(Bottleneck(inputs, width, stride if place == 0 else 1))
            inputs = EXPANSION * width
    start = [*_convolution(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)]
    return nn.Sequential(*start, *blocks, *head)


def _convolution(inputs: int, outputs: int, side: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False)
    return convolution, nn.BatchNorm2d(outputs)
