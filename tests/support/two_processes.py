"""One of two processes that train together: `two_processes.py RANK FOLDER`.

Reads `batch.pt` (images, labels, state), takes its half, and writes gradients and states to `RANK.pt`.
"""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from captum_scd.regularization import SaliencyGuidedDropout


def network() -> nn.Module:
    """Without batch norm: (N, 3, 12, 10) -> (N, 5)."""
    body = nn.Sequential(nn.Conv2d(3, 6, 3), nn.Tanh(), nn.Conv2d(6, 6, 3), nn.ReLU())
    return nn.Sequential(body, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5))


def gradients(model: nn.Module, images: Tensor, labels: Tensor, steps: int = 2) -> list[Tensor]:
    """Take steps of gradient descent; return the gradients of the last."""
    for _ in range(steps):
        model.zero_grad()
        F.cross_entropy(model(images, target=labels), labels).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.1 * parameter.grad
    return [parameter.grad for parameter in model.parameters()]


def sgdrop(state: dict[str, Any]) -> SaliencyGuidedDropout:
    """Wrap a network of that state."""
    model = network()
    model.load_state_dict(state)
    return SaliencyGuidedDropout(model, "0", rate=0.2)


def main(rank: int, folder: Path) -> None:
    """Train one half."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    images, labels, state = torch.load(folder / "batch.pt")
    parallel = nn.parallel.DistributedDataParallel(sgdrop(state))
    half = slice(rank * len(images) // 2, (rank + 1) * len(images) // 2)
    found = gradients(parallel, images[half], labels[half])
    saved = parallel.state_dict()
    parallel.load_state_dict(saved)
    torch.save((found, saved, parallel.module.state_dict()), folder / f"{rank}.pt")
    torch.distributed.barrier()
    os._exit(0)  # gloo's own way out may wait for the other process, which has left, for ever


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
