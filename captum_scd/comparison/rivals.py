"""Black boxes that ask the model about many masked copies of an image, at about the cost of FIDO's default.

Each works on a grid of cells, drawn bilinearly to the image's size, and on the logit of the class. All copies
of an image see the same masks, 1 keeps, so that a batch gives what each image gives alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.quasirandom import SobolEngine

from captum_scd._captum import Baselines, Target
from captum_scd.metrics._asking import asked
from captum_scd.objective import logit

PASSES = 578
"""Forward passes per image: what FIDO's default costs, where a backward pass counts as two forwards."""

SIDE = 7
"""Cells along a side of the grid."""


@dataclass(frozen=True)
class Rival:
    """A method that learns from the logits of masked copies.

    Attributes:
        model: the network, or a function.
        explain: (asks, (H, W), generator) -> map (N, 1, h, w), larger = more important.
    """

    model: Callable[..., Any]
    explain: Callable[["Asks", tuple[int, int], Generator], Tensor]

    def __call__(
        self,
        inputs: Tensor,
        baselines: Baselines,
        target: Target = None,
        additional_forward_args: object = None,
        internal_batch_size: int = 64,
        seed: int = 0,
    ) -> Tensor:
        """Make the maps of images (N, C, H, W): (N, 1, h, w)."""
        asks = Asks(self.model, inputs, baselines, target, additional_forward_args, internal_batch_size)
        size = inputs.shape[2], inputs.shape[3]
        with torch.no_grad():
            return self.explain(asks, size, Generator().manual_seed(seed))


@dataclass(frozen=True)
class Asks:
    """The images, and how they are asked about."""

    model: Callable[..., Any]
    inputs: Tensor
    baselines: Baselines
    target: Target
    arguments: object
    rows: int

    def __call__(self, masks: Tensor) -> Tensor:
        """Logits (N, M) of the class where M masks, (M, H, W) or each image's own (N, M, H, W), are kept."""
        count, many = len(self.inputs), masks.shape[-3]
        own = masks.to(self.inputs).expand(count, many, *masks.shape[-2:])
        subject = self.model, self.inputs, self.baselines, self.target, self.arguments
        with asked(*subject, self.rows, score=logit) as composites:

            def piece(rows: Tensor) -> Tensor:
                examples = rows // many
                return composites.scores((own[examples, rows % many][:, None],), examples)

            return torch.cat(composites.in_pieces(piece, count * many)).view(count, many)


def rise(asks: Asks, size: tuple[int, int], generator: Generator, share: float = 0.5) -> Tensor:
    """Mean score of the masks that keep a pixel (Petsiuk et al. 2018, equations 5 and 6).

    Masks are random cells, enlarged by one more cell and cropped at a random place. The mean is taken off
    the scores, which changes nothing in expectation and much in the noise.
    """
    cells = (torch.rand(PASSES, 1, SIDE, SIDE, generator=generator) < share).float()
    cell = [-(-side // SIDE) for side in size]
    large = F.interpolate(cells, [(SIDE + 1) * one for one in cell], mode="bilinear", align_corners=False)
    down, right = (torch.randint(one, (PASSES,), generator=generator).tolist() for one in cell)
    masks = torch.stack(
        [one[0, y : y + size[0], x : x + size[1]] for one, y, x in zip(large, down, right, strict=True)]
    )
    scores = asks(masks).cpu()
    weights = (scores - scores.mean(1, keepdim=True)) / (PASSES * share)
    return (weights.to(masks) @ masks.flatten(1)).view(-1, 1, *size)


def sobol(asks: Asks, size: tuple[int, int], generator: Generator) -> Tensor:
    """Total Sobol indices of the cells (Fel et al. 2021, section 3), by Jansen's estimator.

    The index of cell i is the mean of (f(A) - f(A with column i of B))^2 / 2 over the variance of f; A and B
    are the halves of a scrambled Sobol sequence.
    """
    cells = SIDE * SIDE
    draws = PASSES // (cells + 1)
    seed = int(torch.randint(2**31, (1,), generator=generator))
    first, second = SobolEngine(2 * cells, scramble=True, seed=seed).draw(draws).split(cells, dim=1)
    exchanged = first.expand(cells, -1, -1).clone()
    exchanged[range(cells), :, range(cells)] = second.T
    scores = asks(_drawn(torch.cat([first, exchanged.flatten(0, 1)]), size))
    alone, changed = scores[:, :draws], scores[:, draws:].view(len(scores), cells, draws)
    total = (alone[:, None] - changed).square().mean(2) / 2
    tiny = torch.finfo(total.dtype).tiny
    return (total / alone.var(1, keepdim=True).clamp(min=tiny)).view(-1, 1, SIDE, SIDE)


def hsic(asks: Asks, size: tuple[int, int], generator: Generator) -> Tensor:
    """Dependence of the score on each cell (Novello et al. 2022): HSIC with a Dirac and a Gaussian kernel.

    HSIC is trace(K H L H) / (m - 1)^2 of the kernel matrices of the cell and of the scores over m masks; the
    width of the Gaussian is the median distance of the scores.
    """
    cells = (torch.rand(PASSES, SIDE * SIDE, generator=generator) < 0.5).float()
    scores = asks(_drawn(cells, size)).cpu()
    distance = (scores[:, :, None] - scores[:, None]).abs()
    width = distance.flatten(1).median(1).values.clamp(min=torch.finfo(distance.dtype).tiny)
    kernel = torch.exp(-0.5 * (distance / width[:, None, None]).square())
    centred = kernel - kernel.mean(1, keepdim=True)
    centred = centred - centred.mean(2, keepdim=True)
    kept = torch.einsum("mc,nmk,kc->nc", cells, centred, cells)
    left = torch.einsum("mc,nmk,kc->nc", 1 - cells, centred, 1 - cells)
    return ((kept + left) / (PASSES - 1) ** 2).view(-1, 1, SIDE, SIDE)


def greedy(asks: Asks, size: tuple[int, int], generator: Generator) -> Tensor:
    """Keep the cell that adds most, then the one that adds most beside it, and so on.

    It finds small sets of cells with a high score, on photos often higher than the whole image's. As an order
    of pixels it is poor there: what adds to a few cells need not matter to the image.
    Each round asks about every cell that is left. The number of rounds is what the budget allows; what is
    left after the last of them keeps the order of its gains. A cell matters the more, the earlier it is kept.
    """
    count, cells = len(asks.inputs), SIDE * SIDE
    kept, order, spent = torch.zeros(count, cells), torch.zeros(count, cells), 0
    for number in range(cells):
        left = (kept == 0).nonzero()[:, 1].view(count, -1)
        tried = kept[:, None].expand(-1, left.shape[1], -1).scatter(2, left[..., None], 1.0)
        scores = asks(_drawn(tried.flatten(0, 1), size).view(count, -1, *size)).cpu()
        spent += left.shape[1]
        places = scores.argsort(1, descending=True).argsort(1)
        order.scatter_(1, left, (cells - number - places).float())
        if spent + left.shape[1] - 1 > PASSES:
            break
        kept.scatter_(1, left.gather(1, scores.argmax(1, keepdim=True)), 1.0)
    return order.view(-1, 1, SIDE, SIDE)


def _drawn(cells: Tensor, size: tuple[int, int]) -> Tensor:
    """Draw masks of cells (M, cells) at the size of the image, (M, H, W)."""
    return F.interpolate(cells.view(-1, 1, SIDE, SIDE), size, mode="bilinear", align_corners=False)[:, 0]
