"""Insertion and deletion: what the model says as pixels come and go in the order of a map."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from captum_scd._captum import Baselines, Target
from captum_scd.metrics._imputation import noisy_linear
from captum_scd.metrics._ranking import Ranking, ranked
from captum_scd.settings import check_integer, check_number


@dataclass(frozen=True, eq=False)
class InsertionDeletion:
    """Insertion and deletion curves of a batch of maps.

    Attributes:
        shares: (steps + 1,) shares of the image inserted or deleted, from 0 to 1.
        insertion_curve: (N, steps + 1) relative probability in [0, 1] as pixels enter the baseline.
        deletion_curve: (N, steps + 1) relative probability in [0, 1] as pixels leave the image.

    >>> steps = torch.linspace(0, 1, 5)
    >>> curves = InsertionDeletion(steps, insertion_curve=steps[None], deletion_curve=1 - steps[None] ** 0.5)
    >>> curves.insertion, curves.deletion, curves.difference
    (tensor([0.5000]), tensor([0.3567]), tensor([0.1433]))
    """

    shares: Tensor
    insertion_curve: Tensor
    deletion_curve: Tensor

    @property
    def insertion(self) -> Tensor:
        """(N,) area under the insertion curve in [0, 1]; larger is better."""
        return torch.trapezoid(self.insertion_curve, self.shares)

    @property
    def deletion(self) -> Tensor:
        """(N,) area under the deletion curve in [0, 1]; smaller is better."""
        return torch.trapezoid(self.deletion_curve, self.shares)

    @property
    def difference(self) -> Tensor:
        """(N,) insertion minus deletion in [-1, 1]; larger is better, about 0 for a random map.

        This is the symmetric relevance gain (Blücher et al. 2024): to insert the most important pixels first
        is to take the least important away first, so that it is the area between both orders of removal.
        """
        return self.insertion - self.deletion


def insertion_deletion(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    n_steps: int = 40,
    internal_batch_size: int = 64,
) -> InsertionDeletion:
    """Insert into the baseline, and delete from the image, the pixels in the order of a map.

    The metrics of Petsiuk et al. 2018 (RISE, section 4.2), on the probability of the target relative to that
    of the whole image, capped at 1. A pixel counts with all its channels; ties are broken by a fixed random
    order, so that a flat map ranks as chance does.

    Args:
        forward_func: model that returns logits, (rows, classes), or one logit per row.
        inputs: (N, C, *spatial) or (N, F).
        attributions: same shape, or with one channel; larger is more important.
        baselines: what stands where pixels are missing: number or tensor, 0 by default. Use the infill
            that the masks were learned with (`masks.infill`) to ask the question they were learned on.
        target: class of each example, in any of Captum's forms.
        additional_forward_args: passed on to the model.
        n_steps: number of equal steps.
        internal_batch_size: most rows in one forward pass.

    Returns:
        Curves and areas, see `InsertionDeletion`.

    Raises:
        AssertionError: for a missing, malformed or mismatched target, as Captum's methods do.
        TypeError: for inputs or attributions that are no tensors, or a number of the wrong type.
        ValueError: for attributions that do not fit or are not finite, or a number out of its range.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    >>> x = torch.randn(2, 3, 8, 8)
    >>> insertion_deletion(model, x, x.abs(), target=3).difference.shape
    torch.Size([2])
    """
    check_integer("n_steps", n_steps, least=1)
    with ranked(
        forward_func, inputs, attributions, baselines, target, additional_forward_args, internal_batch_size
    ) as ranking:
        return curves_of(ranking, n_steps)


def road(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    target: Target = None,
    additional_forward_args: object = None,
    n_steps: int = 20,
    noise: float = 0.01,
    seed: int = 0,
    internal_batch_size: int = 64,
) -> InsertionDeletion:
    """Insertion and deletion of images where missing pixels are imputed from their neighbours, with noise.

    ROAD, "remove and debias" (Rong et al. 2022): an infill that stays the same shows the outline
    of what is missing, and the model may read that. Here each missing pixel is the weighted mean of its eight
    neighbours, all solved together, so that holes have no outline; the noise hides how smooth they are.
    Each imputation solves a linear system.

    Args:
        forward_func: model that returns logits, (rows, classes), or one logit per row.
        inputs: images (N, C, H, W).
        attributions: same shape, or with one channel; larger is more important.
        target: class of each image, in any of Captum's forms.
        additional_forward_args: passed on to the model.
        n_steps: number of equal steps.
        noise: standard deviation, as a share of that of each image, 0 at least.
        seed: of the noise, the same for all images and steps.
        internal_batch_size: most rows in one forward pass.

    Returns:
        Curves and areas, see `InsertionDeletion`; both curves end where nothing is shown but the mean colour.

    Raises:
        AssertionError: for a missing, malformed or mismatched target, as Captum's methods do.
        TypeError: for inputs or attributions that are no tensors, or a number of the wrong type.
        ValueError: for inputs that are no images, attributions that do not fit or are not finite, or a number
            out of its range.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    >>> x = torch.randn(2, 3, 8, 8)
    >>> road(model, x, x.abs(), target=3).difference.shape
    torch.Size([2])
    """
    check_integer("n_steps", n_steps, least=1)
    check_integer("seed", seed, least=0)
    check_number("noise", noise, positive=False)
    if isinstance(inputs, Tensor) and inputs.ndim != 4:
        raise ValueError(f"Expected `inputs` to be images (N, C, H, W), but got {tuple(inputs.shape)}.")

    def fill(mask: Tensor, images: Tensor, _: Tensor) -> Tensor:
        return noisy_linear(images, mask, noise, seed)

    with ranked(
        forward_func, inputs, attributions, None, target, additional_forward_args, internal_batch_size, fill
    ) as ranking:
        return curves_of(ranking, n_steps)


def curves_of(ranking: Ranking, n_steps: int = 40) -> InsertionDeletion:
    """Read both curves off a batch whose pixels are ranked."""
    shares = torch.linspace(0, 1, n_steps + 1, dtype=torch.float32, device=ranking.rank.device)
    grid = shares.expand(len(ranking.rank), -1)
    return InsertionDeletion(shares, ranking.kept(grid, insert=True), ranking.kept(grid, insert=False))
