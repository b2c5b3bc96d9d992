"""What a network itself makes of the kept part of an image."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from captum_scd import infill
from captum_scd.classification.boxes import BoxRule
from captum_scd.classification.crops import crop_resize
from captum_scd.comparison.layers import feature_layer
from captum_scd.composites import blend
from captum_scd.forward import copied, preserved
from captum_scd.systematic.places import CUT


@dataclass(frozen=True)
class Embedding:
    """Describe what masks keep by the network's last map of features, averaged over its places.

    The image is blurred where the joint map is below the cut, and the box around what is left, with some
    padding, is brought to the image's size: so what counts is what is there, and not where.

    Attributes:
        model: takes normalised images (N, C, H, W); in eval mode.
        cut: where the joint map is cut, in (0, 1].
        rule: from a map to a box.

    >>> net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.Flatten(), nn.Linear(6 * 14 * 14, 4)).eval()
    >>> Embedding(net)(torch.rand(2, 3, 16, 16), torch.rand(2, 1, 16, 16)).shape
    torch.Size([2, 6])
    """

    model: nn.Module
    cut: float = CUT
    rule: BoxRule = field(default_factory=BoxRule)
    _layer: list[nn.Module] = field(default_factory=list, init=False, repr=False)

    @torch.no_grad()
    def __call__(self, inputs: Tensor, joint: Tensor) -> Tensor:
        """Describe a batch.

        Args:
            inputs: (N, C, H, W), as the network takes them.
            joint: (N, 1, H, W) in [0, 1], 1 = important.

        Returns:
            (N, D), on the CPU.

        Raises:
            NotApplicableError: if the network has no last map of features, as vision transformers have none.
        """
        left = (joint >= self.cut).to(inputs)
        boxes = self.rule(left)
        height, width = inputs.shape[2:]
        shown = crop_resize(blend(left, inputs, infill.blur(inputs)), boxes, (height, width))
        with preserved(self.model, [shown.device]):
            return self._pooled(shown)

    def _pooled(self, shown: Tensor) -> Tensor:
        if not self._layer:
            self._layer.append(feature_layer(self.model, lambda: self.model(copied(shown[:1]))).module)
        maps: list[Tensor] = []
        handle = self._layer[0].register_forward_hook(lambda _, __, output: maps.append(output))
        try:
            self.model(copied(shown))
        finally:
            handle.remove()
        return maps[-1].mean((2, 3)).float().cpu()
