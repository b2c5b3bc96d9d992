"""Learning the two masks of a batch in the same network passes."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from captum_scd.composites import Composites
from captum_scd.objective import Weights, destroy_loss, keep_loss
from captum_scd.optimization import Evaluation
from captum_scd.sampling import Sampler, antithetic_noise

SSR, SDR = 0, 1
"""Positions of the two masks in tensors that hold both."""


@dataclass(frozen=True)
class MaskLearning:
    """The closure of the optimisation: logits of both masks in, gradient and measures out.

    Attributes:
        composites: the altered copies of the batch, and the model that scores them.
        sampler: logits, noise, temperature -> relaxed mask.
        weights: prices of area and total variation.
        n_samples: mask samples an iteration.
        temperature: of the sampler.
        generator: draws the noise, on the CPU; the noise of a step is shared by all examples.
    """

    composites: Composites
    sampler: Sampler
    weights: Weights
    n_samples: int
    temperature: float
    generator: Generator

    def __call__(self, step: int, logits: Tensor, active: Tensor) -> Evaluation:
        """Evaluate one step, an optimisation `Closure`; logits (2, n, cells) of the active examples (n,)."""
        noise = antithetic_noise((self.n_samples, 2, 1, logits.shape[2]), self.generator).to(logits)
        with torch.enable_grad():
            leaf = logits.detach().requires_grad_()
            samples = self.sampler(leaf, noise, self.temperature)
            slopes, scores = self._slopes(samples.detach(), active)
            penalty, measures = self._penalty(leaf, active, step)
            loss = (samples * slopes).sum() + penalty.sum()
            (gradient,) = torch.autograd.grad(loss, leaf)
        return Evaluation(gradient, self._measures(scores, penalty.detach(), measures))

    def _slopes(self, samples: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
        """Samples (S, 2, n, cells) -> slope of the loss in each, and the scores (S, 2, n)."""
        shape = samples.shape[:3]
        keep = torch.stack([samples[:, SSR], 1 - samples[:, SDR]], dim=1)
        sign = torch.tensor([1.0, -1.0], device=samples.device).view(1, 2, 1)
        is_ssr = (sign > 0).expand(shape).flatten()

        def loss(scores: Tensor, rows: Tensor) -> Tensor:
            return torch.where(is_ssr[rows], keep_loss(scores), destroy_loss(scores)) / self.n_samples

        slopes, scores = self.composites.gradient(
            keep.flatten(0, 2), active.repeat(shape[0] * shape[1]), loss
        )
        return sign[..., None] * slopes.view_as(samples), scores.view(shape)

    def _penalty(self, logits: Tensor, active: Tensor, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Penalty of each example (n,), and the area and total variation of each mask (2, n)."""
        grid, cells = self.composites.grid, torch.sigmoid(logits).flatten(0, 1)
        area = grid.area(cells, active.repeat(2)).view(2, -1)
        variation = grid.variation(cells).view(2, -1)
        price = self.weights.area * area + self.weights.tv * variation
        return self.weights.ramp(step) * price.sum(0), {"area": area.detach(), "tv": variation.detach()}

    def _measures(self, scores: Tensor, penalty: Tensor, measures: dict[str, Tensor]) -> dict[str, Tensor]:
        mean = scores.mean(0)
        loss = keep_loss(scores[:, SSR]).mean(0) + destroy_loss(scores[:, SDR]).mean(0) + penalty
        both = {"score": mean, **measures}
        return {"loss": loss} | {
            f"{mask}_{name}": both[name][i] for name in both for i, mask in ((SSR, "ssr"), (SDR, "sdr"))
        }
