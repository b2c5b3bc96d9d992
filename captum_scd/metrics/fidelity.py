"""Does a map foretell what the model does when parts of the image are replaced?"""

from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

import captum.metrics
import torch
from torch import Generator, Tensor

from captum_scd._captum import Baselines, Target
from captum_scd.composites import Composites
from captum_scd.metrics._asking import asked
from captum_scd.metrics._maps import map_values
from captum_scd.objective import logit
from captum_scd.settings import check_integer

SIDES = (1 / 8, 1 / 2)
"""Least and greatest side of a block, as a share of the shortest side of the image."""

ROUND_OFF = 1e-6
"""Changes of the output below this share of it are none."""

Score = Callable[[Tensor, Tensor], Tensor]
Perturbation = Callable[..., Any]


def infidelity(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    attributions: Tensor,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    n_samples: int = 64,
    seed: int = 0,
    multiply_by_inputs: bool = True,
    internal_batch_size: int = 64,
) -> Tensor:
    """Measure how badly a map foretells the drop of the output when square blocks are replaced.

    Captum's `infidelity` (Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations", section 2),
    set up so that it fits masks and compares methods. Blocks at random places, with random sides, shared by
    the channels, are replaced by the baseline. The sum of the map over a block, times the one factor that
    suits the example best (`normalize=True`), should be the drop. The mean squared error is divided by that
    of a map of zeros, so that neither the scale of the map nor that of the output matters. All methods and
    all examples see the same blocks.

    A factor may be negative: a map and its negative score alike. Since a larger block mostly costs more, a
    flat map scores below 1; compare with it. Input values that equal their baseline are left out.

    Args:
        forward_func: model that returns logits, (rows, classes), or one logit per row. Its output itself is
            watched, as by Captum; for drops of probability, which hardly move where the model is sure, give
            a function that returns probabilities.
        inputs, additional_forward_args, target, internal_batch_size: as for `insertion_deletion`.
        attributions: same shape as the inputs, or with one channel.
        baselines: what stands in a block: number or tensor, 0 by default. For masks the infill they were
            learned with, for integrated gradients the baseline they started from.
        n_samples: number of blocks.
        seed: of the blocks.
        multiply_by_inputs: True for maps whose value stands for all that a pixel does (occlusion, integrated
            gradients, input times gradient, CAMs, and masks, although they do not multiply by inputs); False
            for slopes (plain gradients, with their sign), which are first multiplied by the change of the
            input.

    Returns:
        (N,) in [0, 1]; smaller is better: 0 foretells every drop, 1 none. NaN where no block makes any
        difference to the output.

    Raises:
        ValueError: for attributions that do not fit, or a number out of its range; all else as for
            `insertion_deletion`.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    >>> x = torch.randn(2, 3, 8, 8)
    >>> contribution = x * model[1].weight[3].view(3, 8, 8)
    >>> infidelity(model, x, contribution, target=3).max() < 1e-4
    tensor(True)
    """
    check_integer("n_samples", n_samples, least=1)
    seed = check_integer("seed", seed, least=0)
    trial = trial_of(
        forward_func, inputs, baselines, target, additional_forward_args, n_samples, seed,
        multiply_by_inputs, internal_batch_size,
    )  # fmt: skip
    return trial.infidelity(attributions)


def trial_of(
    forward_func: Callable[..., Any],
    inputs: Tensor,
    baselines: Baselines = None,
    target: Target = None,
    additional_forward_args: object = None,
    n_samples: int = 64,
    seed: int = 0,
    multiply_by_inputs: bool = True,
    internal_batch_size: int = 64,
) -> "Trial":
    """Replace blocks and see what the model does, for any number of maps; arguments as for `infidelity`."""
    with asked(
        forward_func, inputs, baselines, target, additional_forward_args, internal_batch_size, logit
    ) as composites:
        blocks = _blocks(tuple(inputs.shape[1:]), n_samples, Generator().manual_seed(seed)).to(inputs.device)
        trial = Trial(composites, blocks, multiply_by_inputs)
        trial.most = trial.error(torch.zeros_like(inputs), trial.ask)
    return trial


class Trial:
    """Captum's infidelity of one map after the other on the same blocks; the model is asked only once."""

    most: Tensor
    """(N,) error of a map of zeros, which foretells nothing."""

    def __init__(self, composites: Composites, blocks: Tensor, multiply_by_inputs: bool) -> None:
        self.composites, self.blocks, self.multiply_by_inputs = composites, blocks, multiply_by_inputs
        (self.inputs,), (self.baseline,) = composites.inputs, composites.infills
        self.examples = torch.arange(len(self.inputs), device=self.inputs.device)
        self.whole = self._scores(self.inputs, self.examples)
        self.answers: list[Tensor] = []
        self.most_rows = min(max(len(self.inputs), composites.rows), len(self.inputs) * len(blocks))

    def infidelity(self, attributions: Tensor) -> Tensor:
        """(N,) share of that error that a map leaves."""
        map_values(self.inputs, attributions)
        coming = iter(self.answers)

        def remember(rows: Tensor, examples: Tensor) -> Tensor:
            return self.whole if rows is self.inputs else next(coming)

        with torch.no_grad():
            error = self.error(_scaled(attributions).expand_as(self.inputs), remember)
        moved = self.most.sqrt() > ROUND_OFF * self.whole.abs()
        return torch.where(moved, (error / self.most).clamp(0, 1), torch.nan)

    def error(self, attributions: Tensor, score: Score) -> Tensor:
        """Call Captum's infidelity, with the example of each row as an additional argument; (N,)."""
        value: Tensor = captum.metrics.infidelity(
            score,
            _replacing(self.blocks, len(self.inputs), self.multiply_by_inputs),
            self.inputs,
            attributions,
            baselines=self.baseline,
            additional_forward_args=self.examples,
            n_perturb_samples=len(self.blocks),
            max_examples_per_batch=self.most_rows,
            normalize=True,
        )
        return value

    def ask(self, rows: Tensor, examples: Tensor) -> Tensor:
        """Score rows; the whole inputs, which Captum has scored again with every few blocks, just once."""
        if rows is self.inputs:
            return self.whole
        self.answers.append(self._scores(rows, examples))
        return self.answers[-1]

    def _scores(self, rows: Tensor, examples: Tensor) -> Tensor:
        def piece(index: Tensor) -> Tensor:
            output = self.composites.query((rows[index],), examples[index])
            return self.composites.score(output, examples[index])

        return torch.cat(self.composites.in_pieces(piece, len(rows)))


def _replacing(blocks: Tensor, count: int, multiply_by_inputs: bool) -> Perturbation:
    """Replace blocks (samples, ...), one after the other, in all of `count` examples."""
    coming = iter(blocks)

    def replace(inputs: Tensor, baselines: Tensor) -> Tensor:
        chosen = torch.stack(list(islice(coming, len(inputs) // count)))
        return torch.where(chosen.repeat(count, *(1,) * (chosen.ndim - 1)), baselines, inputs)

    decorated: Perturbation = captum.metrics.infidelity_perturb_func_decorator(multiply_by_inputs)(replace)
    return decorated


def _blocks(shape: tuple[int, ...], count: int, generator: Generator) -> Tensor:
    """Draw blocks for examples of a shape, (count, 1, *spatial), or subsets of features (count, F).

    Blocks may hang over the border, so that each pixel is in one as often as any other.
    """
    draw = partial(torch.rand, generator=generator, dtype=torch.float32, device="cpu")
    low, high = SIDES
    side = low + (high - low) * draw(count, 1)
    if len(shape) == 1:
        return draw(count, *shape) < side
    blocks = torch.ones(count, 1, *(1,) * (len(shape) - 1), dtype=torch.bool, device="cpu")
    width = (side * min(shape[1:])).round().clamp(min=1)
    for axis, size in enumerate(shape[1:]):
        start = (draw(count, 1) * (size + width - 1)).floor() - width + 1
        place = torch.arange(size, device="cpu")
        inside = (place >= start) & (place < start + width)
        blocks = blocks & inside.view(count, 1, *(size if a == axis else 1 for a in range(len(shape) - 1)))
    return blocks


def _scaled(attributions: Tensor) -> Tensor:
    """Stretch each map to a greatest absolute value of 1, so that no square over- or underflows."""
    values = attributions.detach().float()
    greatest = values.abs().amax(tuple(range(1, values.ndim)), keepdim=True)
    return values / greatest.where(greatest > 0, 1.0)
