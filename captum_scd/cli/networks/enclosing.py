"""A network that is no ordinary module, behind one that is."""

from typing import Any

import torch
from torch import nn


def enclosed(network: nn.Module) -> nn.Module:
    """Return an ordinary network as it is, and others behind a module that is one; in eval mode."""
    if isinstance(network, torch.jit.ScriptModule):
        return Enclosed(network).eval()
    try:
        return network.eval()
    except NotImplementedError:
        return Enclosed(network, has_modes=False).eval()


class Enclosed(nn.Module):
    """A network behind a module that takes hooks, and whose mode can be set.

    TorchScript takes no hooks, and an exported program has no modes.

    Args:
        network: it; its mode is left alone where it has none.
        has_modes: whether it has.
    """

    def __init__(self, network: nn.Module, has_modes: bool = True) -> None:
        super().__init__()
        self.network, self.has_modes = network, has_modes
        if not has_modes:
            for part in network.modules():
                part.training = False

    def forward(self, *inputs: Any) -> Any:
        """Return what the network does."""
        return self.network(*inputs)

    def train(self, mode: bool = True) -> "Enclosed":
        """Set the mode, as far as there are any."""
        if self.has_modes:
            return super().train(mode)
        self.training = mode
        return self
