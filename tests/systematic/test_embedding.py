"""What the network makes of a crop, and of nothing else."""

import pytest
import torch
from models import TinyConv
from torch import nn

from captum_scd.classification.boxes import BoxRule
from captum_scd.comparison.layers import NotApplicableError
from captum_scd.systematic import Embedding

X = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
TIGHT = BoxRule(smoothing=0, inside=1, padding=0, least=0)


def spots(*corners):
    joint = torch.zeros(len(corners), 1, 24, 24)
    for one, (y, x) in zip(joint, corners, strict=True):
        one[:, y : y + 8, x : x + 8] = 1
    return joint


def test_a_patch_is_described_alike_wherever_it_is():
    images = X.clone()
    images[1, :, 12:20, 14:22] = images[0, :, 2:10, 4:12]
    net = TinyConv().eval()
    first, second = Embedding(net, rule=TIGHT)(images, spots((2, 4), (12, 14)))
    assert torch.allclose(first, second, atol=1e-5)
    other = Embedding(net, rule=TIGHT)(images, spots((0, 0), (0, 0)))
    assert not torch.allclose(other[0], first, atol=1e-3)


def test_the_whole_image_gives_the_pooled_map():
    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
    found = Embedding(net.eval())(X, torch.ones(2, 1, 24, 24))
    assert torch.allclose(found, net[:2](X).mean((2, 3)), atol=1e-6)


def test_no_hook_and_no_gradient_stays():
    net = TinyConv().eval()
    Embedding(net)(X, torch.ones(2, 1, 24, 24))
    assert not any(module._forward_hooks for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_network_without_maps_is_refused():
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 24 * 24, 2)).eval()
    with pytest.raises(NotApplicableError, match="no convolution"):
        Embedding(net)(X, torch.ones(2, 1, 24, 24))
