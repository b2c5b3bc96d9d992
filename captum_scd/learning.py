"""Learning the two masks of a batch in the same network passes.

First a survey: samples of flat logits, soft, know nothing of the image; the gradients of the linear score,
blurred and scaled alike, are added up, and what they agree on is the start. Then the refinement: samples of
the learned logits, each of a prescribed area, whose gradients sharpen them. Prescribing areas, rather than
paying for them, teaches the masks an order of the pixels at every size.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from captum_scd.composites import Composites
from captum_scd.objective import LINEAR, Reading, Weights
from captum_scd.optimization import Callback, Evaluation, normalized
from captum_scd.sampling import Sampler, antithetic_noise, golden_sequence, shift_to_area

Measures = dict[str, Tensor]

SSR, SDR = 0, 1
"""Positions of the two masks in tensors that hold both."""

SURVEY_TEMPERATURE = 1.25
"""Temperature of the survey: samples so soft that their gradients agree from one draw to the next."""

SURVEY_WIDTH, REFINED_WIDTH = 2.0, 0.6
"""Standard deviations, in cells of a default lattice, of the blur that gradients get in each phase."""

FINISHES = ((0.6, 0.0), (1.3, 0.0), (2.0, 0.5))
"""What the finished logits may be: the width of a blur, as above, and the share of the survey in them."""

START_SPREAD = 4.0
"""Root mean square of the logits that the survey hands on."""

AREAS = ((0.05, 0.7), (0.02, 0.3))
"""Smallest and largest area of an SSR and of an SDR sample in the refinement."""

LEAN = 2.0
"""Weight of the SSR order in the finished SDR order."""

SLOPE_FLOOR = 0.02
"""Cells far from the threshold keep this much of the slope z (1 - z), or they could never come back."""


@dataclass(frozen=True)
class MaskLearning:
    """The closure of the optimisation: logits of both masks in, gradient and measures out.

    Attributes:
        composites: the altered copies of the batch, and the model that scores them.
        reading: scores -> losses.
        sampler: logits, noise, temperature -> relaxed mask.
        weights: prices of area and total variation.
        n_samples: mask samples an iteration.
        temperature: of the sampler in the refinement.
        generator: draws the noise, on the CPU; the noise of a step is shared by all examples.
        offset: where the sequence of areas starts, in [0, 1).
    """

    composites: Composites
    reading: Reading
    sampler: Sampler
    weights: Weights
    n_samples: int
    temperature: float
    generator: Generator
    offset: float

    def survey(self, n_iterations: int, callback: Callback) -> tuple[Tensor, list[Measures]]:
        """Learn where to start: logits (2, N, cells), and the measures of each step."""
        examples = torch.arange(len(self.composites.inputs[0]), device=self.composites.inputs[0].device)
        flat = torch.zeros(2, len(examples), self.composites.grid.count, device=examples.device)
        start, total, history = flat, flat, []
        for step in range(n_iterations):
            samples = self.sampler(flat, self._noise(flat), SURVEY_TEMPERATURE)
            slopes, scores = self._slopes(samples, examples, LINEAR)
            total = total - normalized(self._smooth(slopes.sum(0), SURVEY_WIDTH))
            start = START_SPREAD * normalized(centered(total + total.flip(0)))
            history.append(self._measures(scores, samples, LINEAR))
            callback(step + 1, start)
        return start, history

    def __call__(self, step: int, logits: Tensor, active: Tensor) -> Evaluation:
        """Refine, as an optimisation `Closure`: logits (2, n, cells) of the active examples (n,)."""
        with torch.enable_grad():
            leaf = logits.detach().requires_grad_()
            samples = self._samples(leaf, step)
            slopes, scores = self._slopes(samples.detach(), active, self.reading)
            path = samples + SLOPE_FLOOR / self.temperature * leaf
            loss = (path * slopes).sum() + self._penalty(leaf, active, step).sum()
            (gradient,) = torch.autograd.grad(loss, leaf)
        measures = self._measures(scores, samples.detach(), self.reading)
        return Evaluation(centered(self._smooth(gradient, REFINED_WIDTH)), measures)

    def candidates(self, logits: Tensor, start: Tensor) -> Tensor:
        """Logits of the optimisation, and of the survey -> what may be made of them, (finishes, 2, N, cells).

        Each mask has mean 0 and mean square 1. SDR leans on SSR: what must go is looked for first within what
        suffices, so that the joint map, and with it the ranking of all pixels, is not torn between the two.
        """
        learned, surveyed = (normalized(centered(one)) for one in (logits, start))
        found = []
        for width, share in FINISHES:
            mixed = (1 - share) * learned + share * surveyed
            ssr, sdr = normalized(centered(self._smooth(mixed, width)))
            found.append(torch.stack([ssr, normalized(sdr + LEAN * ssr)]))
        return torch.stack(found)

    def _noise(self, logits: Tensor) -> Tensor:
        """Noise (S, 2, 1, cells), shared by all examples."""
        return antithetic_noise((self.n_samples, 2, 1, logits.shape[-1]), self.generator).to(logits)

    def _samples(self, logits: Tensor, step: int) -> Tensor:
        """Logits (2, n, cells) -> samples (S, 2, n, cells), each of an area of its own."""
        noise, areas = self._noise(logits), self._areas(step).to(logits)
        shift = shift_to_area((logits.detach() + noise) / self.temperature, areas) * self.temperature
        return self.sampler(logits + shift, noise, self.temperature)

    def _areas(self, step: int) -> Tensor:
        """Areas (S, 2, 1, 1) of a step, evenly spread over the logarithm; SDR half a turn behind SSR."""
        places = golden_sequence(self.n_samples, step * self.n_samples, self.offset)
        both = torch.stack([places, (places + 0.5).frac()], dim=1)
        low, high = torch.tensor(AREAS).T
        areas: Tensor = low * (high / low) ** both
        return areas[..., None, None]

    def _slopes(self, samples: Tensor, active: Tensor, reading: Reading) -> tuple[Tensor, Tensor]:
        """Samples (S, 2, n, cells) -> slope of the loss in each, and the scores (S, 2, n)."""
        shape = samples.shape[:3]
        keep = torch.stack([samples[:, SSR], 1 - samples[:, SDR]], dim=1)
        sign = torch.tensor([1.0, -1.0], device=samples.device).view(1, 2, 1)
        is_ssr = (sign > 0).expand(shape).flatten()

        def loss(scores: Tensor, rows: Tensor) -> Tensor:
            return torch.where(is_ssr[rows], reading.keep(scores), reading.destroy(scores)) / self.n_samples

        slopes, scores = self.composites.gradient(keep.flatten(0, 2), active.repeat(shape[0] * 2), loss)
        return sign[..., None] * slopes.view_as(samples), scores.view(shape)

    def _smooth(self, cells: Tensor, width: float) -> Tensor:
        return self.composites.grid.smooth(cells.flatten(0, 1), width).view_as(cells)

    def _penalty(self, logits: Tensor, active: Tensor, step: int) -> Tensor:
        """Price of the area and the total variation of both masks, (n,)."""
        grid, cells = self.composites.grid, torch.sigmoid(logits).flatten(0, 1)
        area, variation = grid.area(cells, active.repeat(2)), grid.variation(cells)
        price = self.weights.area * area + self.weights.tv * variation
        return self.weights.ramp(step) * price.view(2, -1).sum(0)

    def _measures(self, scores: Tensor, samples: Tensor, reading: Reading) -> Measures:
        """Means over the samples: loss of the scores, and score, area and total variation of each mask."""
        variation = self.composites.grid.variation(samples.flatten(0, 2)).view_as(scores).mean(0)
        both = {"score": scores.mean(0), "area": samples.mean(-1).mean(0), "tv": variation}
        loss = (reading.keep(scores[:, SSR]) + reading.destroy(scores[:, SDR])).mean(0)
        named = {f"{mask}_{name}": both[name][i] for name in both for i, mask in ((SSR, "ssr"), (SDR, "sdr"))}
        return {"loss": loss, **named}


def centered(cells: Tensor) -> Tensor:
    """Take the mean of each example's cells away: areas are prescribed, so a common offset means nothing."""
    return cells - cells.mean(-1, keepdim=True)
