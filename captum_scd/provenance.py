"""Who made a result: the network by its weights, the software by its versions."""

import hashlib
import platform

import captum
import numpy as np
import torch
from torch import Tensor, nn

from captum_scd._version import __version__
from captum_scd.network import reading


def fingerprint(model: nn.Module) -> str:
    """Hash parameters, buffers and the reading of outputs, so that another model of that kind is noticed."""
    digest = hashlib.sha256((reading(model) or "").encode())
    for name, value in model.state_dict().items():
        if isinstance(value, Tensor) and value.layout is torch.strided and not value.is_quantized:
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of everything that shapes a result."""
    return {
        "captum_scd": __version__,
        "captum": str(captum.__version__),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
