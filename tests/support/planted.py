"""White images of which `PlantedPatch` sees one patch, and maps of them."""

import torch
from models import PlantedPatch
from torch import Generator, Tensor

HEIGHT, WIDTH = 10, 12
SHARE = 12 / (HEIGHT * WIDTH)
"""Of the patch in the image."""

WHITE = torch.ones(2, 1, HEIGHT, WIDTH)
ORACLE = PlantedPatch.region(HEIGHT, WIDTH).float().expand(2, -1, -1, -1)


def random(*shape: int, seed: int = 0) -> Tensor:
    """Uniform numbers in [0, 1], the same in every test."""
    return torch.rand(shape, generator=Generator().manual_seed(seed))
