"""Learning the two masks of a batch in the same network passes.

A survey first: soft samples of flat logits, of every area there is, know nothing of the image; where the
gradients of the linear score agree, on the scales of a region and of its details, lies what matters. Then
rounds: samples of what has been learned so far, of the areas that masks have, whose gradients sharpen it.

Gradients of a network of ReLUs jump, so that round-off would grow from one draw to the next that depends on
it. So there are few rounds of many samples, and all that a round knows of those before it is in which of
four levels a cell lies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from captum_scd.composites import Composites
from captum_scd.grid import Grid
from captum_scd.objective import Score
from captum_scd.optimization import Evaluation, levels, normalized
from captum_scd.sampling import Sampler, golden_sequence, logistic_noise, shift_to_area

Measures = dict[str, Tensor]

SSR, SDR = 0, 1
"""Positions of the two masks in tensors that hold both."""

FINE = "fine"

BLENDS = {
    FINE: ((4.0, 0.25), (1.5, 0.5), (0.6, 1.0)),
    "even": ((4.0, 1.0), (1.5, 1.0), (0.6, 1.0)),
    "coarse": ((5.0, 1.0), (2.5, 1.0), (1.0, 0.7)),
}
"""What a map is made of: widths of a blur in cells of a default lattice, and their weights.

An SSR may be made of any of them, since some networks need whole regions where others need details; all else
is made of the finest.
"""

LEAN = 1.0
"""Weight of the SSR order in the finished SDR order."""

SPREAD = 4.0
"""Standard deviation of the logits that a round draws from, if they were normal."""

SURVEY_AREAS = (0.01, 0.99)
"""Smallest and largest area of a sample of the survey, evenly spread; what is outside the SDR has it, too."""

AREAS = ((0.05, 0.7), (0.02, 0.3))
"""Smallest and largest area of an SSR and of an SDR sample of a round, evenly spread over the logarithm."""

SLOPE_FLOOR = 0.02
"""Cells far from the threshold keep this much of the slope z (1 - z), or they could never come back."""


@dataclass(frozen=True)
class MaskLearning:
    """The closure of the optimisation: logits of both masks in, gradient and measures out.

    Several starts of an example stand one after another: start s of example e has position s * N + e.

    Attributes:
        composites: the altered copies of the batch and the model that scores them, once for each infill;
            the steps take them in turn.
        score: what its values cost in a round.
        sampler: logits, noise, temperature -> relaxed mask.
        n_samples: mask samples per step.
        n_starts: independent starts of each example, at least 1.
        temperature: of the sampler.
        generator: draws the noise, on the CPU; all examples share that of a step, and no two starts.
        offset: where the sequence of areas starts, in [0, 1).
    """

    composites: Sequence[Composites]
    score: Score
    sampler: Sampler
    n_samples: int
    n_starts: int
    temperature: float
    generator: Generator
    offset: float

    @property
    def grid(self) -> Grid:
        """How cells cover the inputs."""
        return self.composites[0].grid

    def start(self) -> Tensor:
        """Flat logits (2, starts * N, cells)."""
        inputs = self.composites[0].inputs[0]
        count = self.n_starts * len(inputs)
        return torch.zeros(2, count, self.grid.count, dtype=torch.float32, device=inputs.device)

    def __call__(self, step: int, logits: Tensor, flat: Tensor) -> Evaluation:
        """Draw the samples of a step, as an optimisation `Closure`; those marked `flat` (n,) survey."""
        with torch.enable_grad():
            leaf = self._levelled(logits, flat).requires_grad_()
            samples = self._samples(leaf, step, flat)
            slopes, scores = self._slopes(
                samples.detach(), flat, self.composites[step % len(self.composites)]
            )
            path = samples + SLOPE_FLOOR / self.temperature * leaf
            (gradient,) = torch.autograd.grad((path * slopes).sum(), leaf)
        surveyed = slopes.sum((0, 1)).expand_as(gradient)
        return Evaluation(
            torch.where(flat[:, None], surveyed, gradient), self._measures(scores, samples.detach())
        )

    def orders(self, logits: Tensor, blends: Tensor | None = None) -> Tensor:
        """Average logits (2, starts * N, cells) over the starts -> finished ones (2, N, cells)."""
        return finished(self.grid, self.start_of(logits).mean(1), blends)

    def regions(self, logits: Tensor) -> Tensor:
        """SSR orders (blends, N, cells) of the same logits, one for each of `BLENDS`."""
        return blended(self.grid, self.start_of(logits).mean(1)[SSR])

    def start_of(self, logits: Tensor) -> Tensor:
        """Tell the starts apart: (2, starts * N, cells) -> (2, starts, N, cells)."""
        apart: Tensor = logits.unflatten(1, (self.n_starts, -1))
        return apart

    def _levelled(self, logits: Tensor, flat: Tensor) -> Tensor:
        """What a round draws from: the same for both masks, four levels of what is known; flat for some."""
        known = SPREAD * levels(on_all_scales(self.grid, logits.sum(0)))
        drawn: Tensor = known.where(~flat[:, None], 0.0)
        return drawn.expand_as(logits).clone()

    def _samples(self, logits: Tensor, step: int, flat: Tensor) -> Tensor:
        """Logits (2, n, cells) -> samples (S, 2, n, cells), each of an area of its own.

        Both masks share their noise, so that what SSR keeps and what SDR leaves are nearly complements.
        """
        noise = self._noise(logits)
        surveyed, refined = self._areas(step)
        areas = torch.where(flat[:, None], surveyed.to(logits), refined.to(logits))
        shift = shift_to_area((logits.detach() + noise) / self.temperature, areas) * self.temperature
        return self.sampler(logits + shift, noise, self.temperature)

    def _noise(self, logits: Tensor) -> Tensor:
        """Noise (S, 1, n, cells), which the examples share, but not the starts."""
        drawn = logistic_noise((self.n_samples, 1, self.n_starts, 1, logits.shape[-1]), self.generator)
        count = logits.shape[1] // self.n_starts
        return drawn.expand(-1, -1, -1, count, -1).flatten(2, 3).to(logits)

    def _areas(self, step: int) -> tuple[Tensor, Tensor]:
        """Areas (S, 2, 1, 1) in the survey and in a round; in a round SDR is half a turn behind SSR."""
        places = golden_sequence(self.n_samples, step * self.n_samples, self.offset)
        low, high = SURVEY_AREAS
        shown = low + (high - low) * places
        apart = torch.stack([places, (places + 0.5).frac()], dim=1)
        least, most = places.new_tensor(AREAS).T
        surveyed, rounds = torch.stack([shown, 1 - shown], dim=1), least * (most / least) ** apart
        return surveyed[..., None, None], rounds[..., None, None]

    def _slopes(self, samples: Tensor, flat: Tensor, composites: Composites) -> tuple[Tensor, Tensor]:
        """Samples (S, 2, n, cells) -> slope of the loss in each, and the scores (S, 2, n).

        Summed losses divided by the number of samples; the survey reads scores as they are.
        """
        shape = samples.shape[:3]
        keep = torch.stack([samples[:, SSR], 1 - samples[:, SDR]], dim=1)
        sign = samples.new_tensor([1.0, -1.0]).view(1, 2, 1)
        is_ssr, is_flat = ((sign > 0).expand(shape).flatten(), flat.expand(shape).flatten())

        def loss(scores: Tensor, rows: Tensor) -> Tensor:
            read = torch.where(is_ssr[rows], self.score.keep(scores), self.score.destroy(scores))
            linear = torch.where(is_ssr[rows], -scores, scores)
            return torch.where(is_flat[rows], linear, read) / self.n_samples

        count = len(composites.inputs[0])
        examples = (torch.arange(shape[2], device=samples.device) % count).repeat(shape[0] * 2)
        slopes, scores = composites.gradient(keep.flatten(0, 2), examples, loss)
        return sign[..., None] * slopes.view_as(samples), scores.view(shape)

    def _measures(self, scores: Tensor, samples: Tensor) -> Measures:
        """Means over samples and starts: loss of the scores; score, area and total variation of each mask."""
        variation = self.grid.variation(samples.flatten(0, 2)).view_as(scores)
        both = {"score": scores, "area": samples.mean(-1), "tv": variation}
        loss = self.score.keep(scores[:, SSR]) + self.score.destroy(scores[:, SDR])
        named = {
            f"{mask}_{name}": both[name][:, i] for name in both for i, mask in ((SSR, "ssr"), (SDR, "sdr"))
        }
        return {
            name: values.mean(0).view(self.n_starts, -1).mean(0)
            for name, values in {"loss": loss, **named}.items()
        }


def finished(grid: Grid, logits: Tensor, blends: Tensor | None = None) -> Tensor:
    """Logits (2, n, cells) -> orders of the cells, each mask of mean 0 and mean square 1.

    SDR leans on SSR: what must go is looked for first within what suffices, so that the joint map, and with
    it the ranking of all pixels, is not torn between the two.

    Args:
        grid: how cells lie.
        logits: SSR first.
        blends: (n,) which of `BLENDS` each SSR is made of; the first by default, which SDR always is.
    """
    sdr = ordered(on_all_scales(grid, logits[SDR]))
    if blends is None:
        ssr = ordered(on_all_scales(grid, logits[SSR]))
    else:
        ssr = blended(grid, logits[SSR])[blends, torch.arange(len(blends), device=blends.device)]
    return torch.stack([ssr, normalized(sdr + LEAN * ssr)])


def blended(grid: Grid, cells: Tensor) -> Tensor:
    """Make cells (n, cells) of each of `BLENDS`, (blends, n, cells), of mean 0 and mean square 1."""
    return torch.stack([ordered(on_all_scales(grid, cells, blend)) for blend in BLENDS])


def on_all_scales(grid: Grid, cells: Tensor, blend: str = FINE) -> Tensor:
    """Add up blurs (n, cells) of several widths, brought to one size and weighted.

    The sum falls off slowly with the distance, so that it is sharp at details and yet holds regions together.
    """
    return sum(
        (weight * normalized(grid.smooth(cells, width)) for width, weight in BLENDS[blend]),
        torch.zeros_like(cells),
    )


def ordered(cells: Tensor) -> Tensor:
    """Bring cells (..., cells) to mean 0, since areas are prescribed and a common offset means nothing."""
    return normalized(cells - cells.mean(-1, keepdim=True))
