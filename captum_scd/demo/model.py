"""A small convolutional network that tells the demo's beetles apart; its weights come with the package."""

from importlib import resources

import torch
from torch import Tensor, nn

from captum_scd.demo.beetle import SPECIES

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
WEIGHTS = "weights.pt"


class BeetleNet(nn.Module):
    """Seven convolutions, a mean over the last map that favours its peaks, one linear layer.

    Input: normalised RGB (see `normalize`), float, shape (N, 3, H, W); made for H = W = 128, any size runs.
    Output: logits, shape (N, n_classes). `features` ends in a ReLU map, 1/16 of the input high and wide.

    >>> model = BeetleNet().eval()
    >>> model(torch.randn(1, 3, 128, 128)).shape, model.features(torch.randn(1, 3, 128, 128)).shape
    (torch.Size([1, 8]), torch.Size([1, 96, 8, 8]))
    """

    def __init__(self, n_classes: int = len(SPECIES)) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _block(3, 16, 5, stride=2),
            _block(16, 32, 3, stride=2),
            _block(32, 32, 3),
            _block(32, 64, 3, stride=2),
            _block(64, 64, 3),
            _block(64, 96, 3, stride=2),
            _block(96, 96, 3),
        )
        self.classifier = nn.Linear(96, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, n_classes) of normalised pictures (N, 3, H, W)."""
        logits: Tensor = self.classifier(peak_mean(self.features(x)))
        return logits


def _block(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def peak_mean(maps: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return each map's mean with power 3, (mean of f^3)^(1/3), shape (N, C).

    Generalised-mean pooling (Radenovic et al. 2018, arXiv 1711.02512): a small mark does not drown in it.
    Small constants keep its gradient finite where a map is zero.

    Args:
        maps: feature maps, not negative, shape (N, C, h, w).
        weights: how much each place counts, not negative, shape (N, 1, h, w); by default all the same.
    """
    weights = torch.ones_like(maps[:, :1]) if weights is None else weights
    cubes = ((maps + 1e-6) ** 3 * weights).sum((2, 3)) / weights.sum((2, 3)).clamp(min=1e-6)
    return (cubes + 1e-18) ** (1 / 3)


def normalize(images: Tensor) -> Tensor:
    """Return RGB pictures in [0, 1], shape (N, 3, H, W), as the network takes them: (images - MEAN) / STD.

    >>> normalize(torch.tensor(MEAN).view(1, 3, 1, 1)).flatten()
    tensor([0., 0., 0.])
    """
    mean, std = (images.new_tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return (images - mean) / std


def load() -> BeetleNet:
    """Return the trained network in eval mode, in float32 on the CPU; reads only the package's own file.

    >>> load().training
    False
    """
    file = resources.files("captum_scd.demo").joinpath(WEIGHTS)
    with file.open("rb") as stream:
        state = torch.load(stream, map_location="cpu", weights_only=True)
    model = BeetleNet()
    model.load_state_dict({name: value.float() for name, value in state.items()})
    return model.eval()
