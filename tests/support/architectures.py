"""Small networks in the shapes of well-known ones: where does each make its last map of features?"""

import torch
from torch import Tensor, nn


class Branches(nn.Module):
    """Two convolutions side by side, as in SqueezeNet and Inception."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.left = nn.Conv2d(channels, width, 1)
        self.right = nn.Conv2d(channels, width, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.relu(self.left(x)), self.relu(self.right(x))], dim=1)


class Residual(nn.Module):
    """One ReLU used twice, and a sum, as in ResNet."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x + self.norm(self.second(self.relu(self.first(x)))))


class Tokens(nn.Module):
    """A patch embedding, then attention and linear layers on tokens, as in a vision transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 4, stride=4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        return self.head((tokens + self.mlp(tokens)).mean(1))


class TinyViT(nn.Module):
    """Patches of 4 px, leading tokens, blocks of attention, and a head on the first token or on all."""

    def __init__(self, leading: int, depth: int = 2) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 4, stride=4)
        self.before = nn.Parameter(torch.zeros(1, leading, 8))
        self.norms = nn.ModuleList(nn.LayerNorm(8) for _ in range(depth))
        self.qkv = nn.ModuleList(nn.Linear(8, 24) for _ in range(depth))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.before.expand(len(x), -1, -1), tokens], dim=1)
        for norm, qkv in zip(self.norms, self.qkv, strict=True):
            parts = qkv(norm(tokens)).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
            tokens = tokens + self.attend(*parts).transpose(1, 2).flatten(2)
        return self.head(tokens[:, 0] if self.before.shape[1] else tokens.mean(1))

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(query, key, value)


class ChannelsLast(nn.Module):
    """A convolution and linear layers at each place, as in a block of ConvNeXt."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU())
        self.out = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        places = self.depthwise(x).permute(0, 2, 3, 1)
        return x + self.out(self.mlp(places)).permute(0, 3, 1, 2)


def _pooled(width: int) -> tuple[nn.Module, ...]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5)


def vgg() -> nn.Module:
    features = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2),
    )  # fmt: skip
    head = nn.Sequential(nn.Flatten(), nn.Linear(6 * 3 * 2, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 5))
    return nn.Sequential(features, nn.AdaptiveAvgPool2d((3, 2)), head)


def squeezenet() -> nn.Module:
    features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), Branches(4, 3))
    classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(6, 5, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    return nn.Sequential(features, classifier, nn.Flatten())


def resnet() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(Residual(4), Residual(4)), *_pooled(4))


def convnext() -> nn.Module:
    features = nn.Sequential(nn.Conv2d(3, 4, 2, stride=2), ChannelsLast(4))
    return nn.Sequential(features, *_pooled(4))


def squeeze_and_excite() -> nn.Module:
    """Ends with convolutions of a single place, as MobileNetV3 does in timm."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.SiLU(), nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(4, 6, 1), nn.SiLU(), nn.Flatten(), nn.Linear(6, 5),
    )  # fmt: skip


def only_class_maps() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 10, 8), nn.ReLU(), nn.Linear(8, 5))


def settled(model: nn.Module) -> nn.Module:
    """In evaluation, with random weights that are the same every time and leave no ReLU dead."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator) + 0.1)
    return model.eval()
