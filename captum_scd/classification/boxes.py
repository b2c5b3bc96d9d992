"""From a map to the box that holds what it marks."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from captum_scd.infill import REFERENCE_SIZE
from captum_scd.smoothing import filtered, gaussian


@dataclass(frozen=True)
class BoxRule:
    """Smooth a map, cut it at a share of its peak, and put a box around what is left.

    After Korsch et al. 2023, for maps of any scale: since the cut follows the peak, FIDO's masks and another
    method's map are boxed alike. Lengths are in pixels of a 224-pixel image and scale with the image.

    The paper's box holds all that is left, with a padding of 10 pixels. A single stray spot then opens the
    box to the whole image, while a box that fits too well takes away what surrounds an object and shows it
    larger than any in training. So here the outermost spots may stay outside, and the padding is wider.

    Attributes:
        threshold: where the smoothed map is cut, as a share of its peak in (0, 1].
        smoothing: standard deviation of the Gaussian that takes specks away; 0 for none.
        inside: share of the marked pixels that lies inside the box along each axis, before it is padded, in
            (0, 1]; of the others at most half lie beyond either end.
        padding: how far the box reaches beyond that.
        least: length that no side falls below.
        square: grow the box to the image's proportions, square for a square image, so that resizing it to
            the image's size distorts nothing. A tight box is stretched instead.

    Raises:
        ValueError: for a number out of its range.

    >>> spot = torch.zeros(1, 1, 224, 224)
    >>> spot[..., 100:120, 60:100] = 1
    >>> BoxRule(smoothing=0, inside=1, padding=10, least=0)(spot).tolist()
    [[50, 80, 110, 140]]
    """

    threshold: float = 0.5
    smoothing: float = 3.0
    inside: float = 0.9
    padding: float = 25.0
    least: float = 64.0
    square: bool = True

    def __post_init__(self) -> None:
        for name in ("threshold", "inside"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(
                    f"Expected `{name}` to be above 0 and at most 1, but got {getattr(self, name)}."
                )
        for name in ("smoothing", "padding", "least"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"Expected `{name}` to be at least 0 and finite, but got {getattr(self, name)}."
                )

    def __call__(self, maps: Tensor) -> Tensor:
        """Box each map of a batch.

        Args:
            maps: (N, 1, H, W), larger is more important; values below 0 count as 0.

        Returns:
            (N, 4) long tensor: x0, y0, x1, y1 in pixels, the far edges exclusive, inside the image; the
            whole image for a map without positive values.
        """
        scale = math.sqrt(maps.shape[2] * maps.shape[3]) / REFERENCE_SIZE
        marked = self._marked(maps.float().clamp(min=0), scale)[:, 0]
        stretches = [_stretch(marked.sum(axis), self.inside) for axis in (1, 2)]
        start, end = (torch.stack(edges, dim=1) for edges in zip(*stretches, strict=True))
        size = start.new_tensor((maps.shape[3], maps.shape[2]))
        blank = (maps <= 0).flatten(1).all(1)[:, None]
        return self._grown(start.masked_fill(blank, 0), torch.where(blank, size, end), size, scale)

    def _marked(self, maps: Tensor, scale: float) -> Tensor:
        """(N, 1, H, W) boolean."""
        smooth = filtered(maps, gaussian(self.smoothing * scale)) if self.smoothing else maps
        return smooth >= self.threshold * smooth.amax((2, 3), keepdim=True)

    def _grown(self, start: Tensor, end: Tensor, size: Tensor, scale: float) -> Tensor:
        """Widen boxes (N, 2), (N, 2) about their middles, then push them back inside the image."""
        share = (end - start + 2 * self.padding * scale).clamp(min=self.least * scale) / size
        share = share.amax(1, keepdim=True) if self.square else share
        sides = (share.clamp(max=1) * size).round().long().clamp(min=1)
        first = torch.minimum(((start + end - sides) / 2).round().long().clamp(min=0), size - sides)
        return torch.cat([first, first + sides], dim=1)


def _stretch(counts: Tensor, inside: float) -> tuple[Tensor, Tensor]:
    """Shortest stretch of an axis with at most (1 - inside) / 2 of the counts (N, length) beyond either end.

    Returns:
        First and one past the last place, (N,) each.
    """
    most = (1 - inside) / 2 * counts.sum(1, keepdim=True)
    before = (counts.cumsum(1) <= most).sum(1)
    after = (counts.flip(1).cumsum(1) <= most).sum(1)
    return before, counts.shape[1] - after
