"""GradCAM of tokens, which lie on a grid as the pixels of a map of features do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from captum_scd._captum import Target
from captum_scd.comparison.layers import TokenStep
from captum_scd.comparison.question import class_logits


@dataclass(frozen=True)
class TokenGradCam:
    """GradCAM (Selvaraju et al. 2017, equations 1 and 2) where the features are the tokens of an image.

    Attributes:
        model: the network.
        step: the module whose tokens are looked at, and the grid on which they lie.
    """

    model: Callable[..., Any]
    step: TokenStep

    def __call__(
        self, inputs: Tensor, target: Target = None, additional_forward_args: object = None
    ) -> Tensor:
        """Make the maps of images (N, C, H, W): (N, 1, h, w), 0 at least, larger = more important."""
        made: list[Tensor] = []
        handle = self.step.module.register_forward_hook(lambda module, given, output: made.append(output))
        try:
            logits = class_logits(self.model, inputs.requires_grad_(), target, additional_forward_args)
        finally:
            handle.remove()
        (gradients,) = torch.autograd.grad(logits.sum(), made[-1])
        tokens, slopes = self.step.of_image(made[-1]), self.step.of_image(gradients)
        return token_gradcam(tokens.detach(), slopes).view(-1, 1, *self.step.grid)


def token_gradcam(tokens: Tensor, gradients: Tensor) -> Tensor:
    """Weigh the features of each token by their mean gradient, keep what is positive: (N, T, D) -> (N, T)."""
    return (gradients.mean(1, keepdim=True) * tokens).sum(2).relu()
