"""Networks that lie beside the photos."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

SIZES = {"squeezenet": 227, "efficientnet_lite0": 224}
"""Networks beside the photos, and the size of the images they were trained on."""


class Bfloat16(nn.Module):
    """A network in half precision: what goes in and comes out is float32."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tensor:
        with torch.autocast(inputs.device.type, torch.bfloat16):
            output: Tensor = self.model(inputs)
        return output.float()


def load_network(data: Path, bfloat16: bool = False, network: str = "squeezenet") -> nn.Module:
    """Load a network beside the photos, frozen, in channels-last layout."""
    model: nn.Module = load_module(data, network).load()
    model = model.requires_grad_(False).to(memory_format=torch.channels_last)
    return Bfloat16(model).eval() if bfloat16 else model


def load_module(data: Path, name: str) -> Any:
    """Import a Python file that lies beside the photos."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", data / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True  # nothing is written beside the data
    spec.loader.exec_module(module)
    return module
