"""What the demo's network sees in training: turned, relit, noisy pictures with parts hidden behind an infill.

The target follows what is left of the telling detail, so that an infill by itself speaks for no species.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def augment(
    images: Tensor, details: Tensor, hide: float, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return changed pictures, where their details are now, and the share of each detail still visible.

    Args:
        images: RGB in [0, 1], shape (N, 3, H, W), H = W.
        details: 1 on the telling detail, float, shape (N, 1, H, W).
        hide: share of the pictures of which a part is hidden, in [0, 1].
        generator: where all chance comes from.

    Returns:
        Pictures in [0, 1], shape (N, 3, H, W); details, shape (N, 1, H, W); shares in [0, 1], shape (N,), 0
        where there is no detail.
    """
    images, details = _turn(images, details, generator)
    hidden = _hidden(images, details, hide, generator)
    images = torch.lerp(images, _infill(images, generator), hidden)
    images = _relight(images, generator)
    seen = ((1 - hidden) * details).sum((1, 2, 3)) / details.sum((1, 2, 3)).clamp(min=1)
    return images, details, seen


def soft_targets(labels: Tensor, seen: Tensor, n_classes: int) -> Tensor:
    """Return class probabilities (N, n_classes) for labels (N,) and visible shares (N,).

    Half of the detail or more makes the label certain, none of it all classes equally likely.
    """
    sure = (2 * seen).clamp(max=1).unsqueeze(1)
    return sure * F.one_hot(labels, n_classes) + (1 - sure) / n_classes


def blur(images: Tensor, sigma: float) -> Tensor:
    """Return pictures (N, C, H, W) blurred by a Gaussian of that many pixels, edges continued."""
    reach = min(int(3 * sigma) + 1, min(images.shape[-2:]) - 1)
    taps = torch.exp(-((torch.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    kernel = (taps / taps.sum()).repeat(images.shape[1], 1)[:, None, None, :]
    for _ in range(2):
        padded = F.pad(images, (reach, reach, 0, 0), mode="replicate")
        images = F.conv2d(padded, kernel, groups=images.shape[1]).transpose(2, 3)
    return images


def _turn(images: Tensor, details: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    both = torch.cat((images, details), 1)
    quarters, mirrored = torch.randint(4, (2,), generator=generator).tolist()
    both = torch.rot90(both, quarters, (2, 3))
    both = both.flip(3) if mirrored % 2 else both
    return both[:, :3], both[:, 3:]


def _hidden(images: Tensor, details: Tensor, hide: float, generator: torch.Generator) -> Tensor:
    """Return 1 where a picture is hidden: smooth patches, all but the detail, or the detail."""
    kind, touched = torch.rand((2, len(images), 1, 1, 1), generator=generator)
    around = dilated(details, int(torch.randint(1, 6, (), generator=generator)))
    around = torch.where(details.flatten(1).any(1)[:, None, None, None], around, _patches(images, generator))
    hidden = torch.where(kind < 0.4, _patches(images, generator), around)
    turned: Tensor = torch.where(kind > 0.7, 1 - hidden, hidden) * (touched < hide)
    return turned


def dilated(details: Tensor, reach: int) -> Tensor:
    """Widen what is 1 in (N, 1, H, W) by that many pixels on each side."""
    wide: Tensor = F.max_pool2d(details, 2 * reach + 1, 1, reach)
    return wide


def _patches(images: Tensor, generator: torch.Generator) -> Tensor:
    n, side = len(images), int(torch.randint(4, 17, (), generator=generator))
    noise = torch.rand((n, 1, side, side), generator=generator)
    noise = F.interpolate(noise, images.shape[-2:], mode="bilinear")
    level = torch.rand((n, 1, 1, 1), generator=generator)
    return torch.sigmoid((noise - level) * 20)


def _infill(images: Tensor, generator: torch.Generator) -> Tensor:
    kind, width = torch.rand(2, generator=generator).tolist()
    if kind < 0.7:
        return blur(images, (2 + 6 * width) * images.shape[-1] / 128)
    if kind < 0.9:
        return images.mean((2, 3), keepdim=True).expand_as(images)
    return torch.rand(images.shape, generator=generator)


def _relight(images: Tensor, generator: torch.Generator) -> Tensor:
    gain, shift, grain = torch.rand((3, len(images), 1, 1, 1), generator=generator)
    noise = torch.randn(images.shape, generator=generator) * 0.04 * grain
    if torch.rand((), generator=generator) < 0.2:
        images = blur(images, 0.7 * images.shape[-1] / 128)
    relit: Tensor = (images * (0.8 + 0.4 * gain) + 0.16 * (shift - 0.5) + noise).clamp(0, 1)
    return relit
