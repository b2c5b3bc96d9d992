"""`FIDOAttribution`: the masks of FIDO as a Captum attribution method."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from captum_scd import infill as infills
from captum_scd._captum import (
    Baselines,
    PerturbationAttribution,
    Target,
    asked_by_tools,
    format_output,
    is_tuple,
    log_usage,
    progress_bar,
)
from captum_scd._strategies import describe
from captum_scd._warnings import once
from captum_scd.composites import DEFAULT_ROWS, Composites, whole_outputs
from captum_scd.explanation import Explanation, explain
from captum_scd.filling import DEFAULT_INFILLS, another, chosen, filled, second, warn_of_embeddings
from captum_scd.forward import checked_inputs, make_query, preserved
from captum_scd.grid import MaskSize
from captum_scd.learning import SDR, SSR, MaskLearning
from captum_scd.look_alikes import Contrast
from captum_scd.masks import FIDOMasks
from captum_scd.network import check_is_no_layer, check_model
from captum_scd.objective import SCORES, Score
from captum_scd.parts import alike, composites_of, joined
from captum_scd.request import FeatureMask, Request, TensorOrTuple, own
from captum_scd.sampling import SAMPLERS
from captum_scd.scoring import Scoring, make_scoring, suited
from captum_scd.settings import DEFAULTS, Settings, one_cap
from captum_scd.trajectory import arranged
from captum_scd.trials import Trials

FAST: Mapping[str, Any] = {"n_iterations": 14, "n_restarts": 1, "learning_rate": 0.0}
"""Settings of `attribute` for a quarter of the cost: one start, and no refining after the survey."""

Infill = str | Callable[..., Tensor] | Sequence[str | Callable[..., Tensor]]


class FIDOAttribution(PerturbationAttribution):  # type: ignore[misc]
    """Learn which part of an input is enough for a class, and without which part the class is lost.

    FIDO (Chang et al. 2019, arXiv 1807.08024) with Simplified Concrete Dropout (Korsch et al. 2023, arXiv
    2307.14825): two masks are learned through the frozen model, the smallest sufficient region (SSR) and
    the smallest destroying region (SDR). Their geometric mean, the joint map, is the attribution. Masks are
    in [0, 1] and larger is more important.

    This differs from the papers in five ways. (1) The area of each mask sample is prescribed; in the papers
    a penalty on the area determines it. (2) The optimisation does not start from a random or an all-one mask:
    it first surveys the input with random samples of all areas, and then refines the result. (3) SDR uses
    SSR: pixels are ranked for SDR by the sum of both masks' logits. (4) Several candidates (before and after
    refining, finer and coarser) are tried on the network at a series of areas; the best one of each example
    is kept. (5) Each mask is cut at the area with the lowest loss (share of the class kept or lost, against
    `area_weight` times the area), and scaled so that this cut is at 0.5.

    The model only needs to be differentiable in its input. It is left as it was: parameters, gradients,
    buffers, modes, hooks and the global random state.

    Several threads may explain at once, also with one model. They take turns, because all threads of a
    process share the global random state. Meanwhile no other thread may call the model or draw global random
    numbers. Other processes are not affected.

    Args:
        forward_func: the model, or any function, that returns logits (N, classes), or one logit (N,); see
            `captum_scd.logits_of` for other outputs. Outputs may have more dimensions: classes are the last
            one of sequences (N, steps, classes), whose targets are (step, class), and dimension 1 of all
            others, such as (N, classes, H, W).
        infill: what replaces the pixels a mask takes away: a name from `captum_scd.infill.INFILLS`, such as
            `"blur"` or `"mean"`, or a callable `(inputs) -> inputs-like`. Given a sequence of them, they
            take turns while the masks are learned, and all count equally; the masks are cut under the first,
            which `FIDOMasks.infill` holds. `baselines` given to `attribute` replace the first. Inputs without
            spatial axes use only the first. Tokens are replaced by zeros unless an infill is given.
        sampler: `"simplified"`, `"original"`, or a callable `(logits, noise, temperature) -> mask`.
        score: what SSR must keep and SDR must lose: a name from `captum_scd.objective.SCORES`, such as
            `"log_odds"` or `"logit"` (`"contrast"` needs `contrast_target`; models of `similarity_to` have
            `"similarity"` as the default), or a callable `(output, target) -> (rows,)` that gets the model's
            output (rows, ...) and the target as (rows, d) indices; or a `captum_scd.objective.Score`, which
            also defines the losses of keeping and of losing the class.

    Raises:
        ValueError: for an unknown strategy.
        TypeError: if `forward_func` is not callable, or a layer of it is given for an infill.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 5))
    >>> x = torch.randn(2, 3, 8, 8)
    >>> attribution = FIDOAttribution(model.eval()).attribute(x, target=3)
    >>> attribution.shape
    torch.Size([2, 3, 8, 8])
    """

    def __init__(
        self,
        forward_func: Callable[..., Any],
        infill: Infill = DEFAULT_INFILLS,
        sampler: str | Callable[[Tensor, Tensor, float], Tensor] = "simplified",
        score: str | Callable[..., Tensor] = "log_odds",
    ) -> None:
        if not callable(forward_func):
            raise TypeError(f"Expected `forward_func` to be callable, but got {type(forward_func).__name__}.")
        super().__init__(forward_func)
        check_is_no_layer(infill, forward_func)
        infills.several(infill)
        SAMPLERS.resolve(sampler)
        SCORES.resolve(score)
        self.infill = infill
        self.sampler = sampler
        self.score = suited(score, forward_func)

    @log_usage(part_of_slo=True)  # type: ignore[untyped-decorator]
    @torch.no_grad()
    def attribute(
        self,
        inputs: TensorOrTuple,
        baselines: Baselines = None,
        target: Target = None,
        additional_forward_args: object = None,
        feature_mask: FeatureMask = None,
        perturbations_per_eval: int | None = None,
        *,
        mode: str = DEFAULTS.mode,
        n_iterations: int = DEFAULTS.n_iterations,
        n_samples: int = DEFAULTS.n_samples,
        mask_size: MaskSize = DEFAULTS.mask_size,
        temperature: float = DEFAULTS.temperature,
        learning_rate: float = DEFAULTS.learning_rate,
        area_weight: float = DEFAULTS.area_weight,
        tv_weight: float = DEFAULTS.tv_weight,
        n_restarts: int = DEFAULTS.n_restarts,
        alternatives: int = DEFAULTS.alternatives,
        contrast_target: Contrast = None,
        internal_batch_size: int | None = DEFAULTS.internal_batch_size,
        seed: int = DEFAULTS.seed,
        trajectory: int = DEFAULTS.trajectory,
        return_masks: bool = False,
        show_progress: bool = False,
    ) -> Any:
        """Learn the masks of a batch and return one of them as the attribution.

        An example's result does not depend on the others in the batch, nor on the global random state.

        Args:
            inputs: floating-point tensor (N, ...) or tuple of such: images (N, C, H, W), signals (N, C, L),
                volumes (N, C, D, H, W), whose masks are shared by the channels; tabular (N, F); embeddings of
                tokens (N, T, D) with `mask_size="tokens"`, without which they are read as signals.
            baselines: what replaces removed pixels, instead of the constructor's infill: a number, a tensor
                that broadcasts to the input, such as (1, C, 1, 1), one number per channel (C,), or a tuple
                of these, one per input.
            target: class to explain, in any of Captum's forms: int, tuple, tensor, list of ints or tuples;
                None for models with one output per example.
            additional_forward_args: further arguments of the model; tensors with N entries follow the rows.
            feature_mask: integer or boolean group numbers, broadcastable to the inputs; one mask value per
                group (superpixels). It replaces the grid of `mask_size`; in a tuple, None keeps the grid for
                that input.
            perturbations_per_eval: another name for `internal_batch_size`, as Captum's perturbation methods
                call it; give only one of the two.
            mode: which map to return, `"joint"`, `"ssr"` or `"sdr"`.
            n_iterations: steps; each costs 2 * n_samples * n_restarts forward and backward passes per
                example. The first third surveys the input; the rest refines examples that are not clear yet.
                About 150 forward passes then choose, cut and judge the masks. `FAST` holds cheaper settings.
            n_samples: mask samples per iteration.
            mask_size: cells of the mask along the shortest spatial axis, or along each as a tuple; by
                default 56 for images, 112 for signals and 14 for volumes, but never more than pixels.
                `"tokens"` gives each token of an embedding (N, T, D) one value for all its D numbers.
            temperature: of the sampler, above 0; a lower one gives samples closer to 0 or 1.
            learning_rate: how far each refining round moves the mask, relative to the survey, which moves it
                by 1; with 0 there is no refining, only the survey.
            area_weight: penalty, in nats, for a region that covers the whole image (less area costs
                proportionally less); a larger weight gives smaller regions, a smaller one safer regions.
            tv_weight: used only to choose among candidate masks: the share of the class that a candidate must
                gain for each unit of total variation it adds. Masks are smoothed in any case.
            n_restarts: independent starts, whose mean is the result; `FIDOMasks.agreement` shows where they
                agree.
            alternatives: number of further regions to look for, each with those before it covered by the
                infill; the results are in `FIDOMasks.alternatives`.
            contrast_target: class b of "why a and not b?", in any of Captum's forms; the score is then
                logit_a - logit_b. Several as a list of class numbers per example, `[[3, 5], [7]]` for two, or
                an integer tensor (N, K); `"nearest"` for the three likeliest other classes of each example.
                The score is then logit_a - logsumexp of their logits: likelier classes weigh more. Where the
                output has further dimensions, all classes are read at the target's place.
            internal_batch_size: most rows in one forward and backward pass, 64 by default; halved whenever
                the accelerator runs out of memory. Results do not depend on it beyond round-off.
            seed: seed of all random draws.
            trajectory: store both masks in `FIDOMasks.trajectory` every `trajectory` iterations; 0 stores
                nothing. The final masks do not depend on it.
            return_masks: also return the masks, with everything known about them. NoiseTunnel and Captum's
                metrics take attributions alone.
            show_progress: show a progress bar on standard error.

        Returns:
            Attributions in [0, 1] of the inputs' shape, dtype and device, a tuple for a tuple. With
            `return_masks`, a pair of these and `FIDOMasks` (a tuple of them for a tuple).

        Raises:
            AssertionError: for a missing, malformed or mismatched (contrast) target, as Captum's methods do.
            IndexError: for a (contrast) target outside the model's output.
            TypeError: for inputs that are not floating-point tensors, or a model that returns no tensor.
            ValueError: for empty, NaN or infinite inputs, or settings out of range; for a `contrast_target`
                that is given together with another score, equals the target, names a class twice, or is given
                for a model with one class.
            RuntimeError: for a model through which no gradient flows.
        """
        settings = Settings(
            mode=mode, n_iterations=n_iterations, n_samples=n_samples, mask_size=mask_size,
            temperature=temperature, learning_rate=learning_rate, area_weight=area_weight,
            tv_weight=tv_weight, n_restarts=n_restarts, alternatives=alternatives,
            internal_batch_size=one_cap(internal_batch_size, perturbations_per_eval), seed=seed,
            trajectory=trajectory,
        )  # fmt: skip
        if return_masks:
            _check_asker()
        as_tuple = is_tuple(inputs)
        with once(), torch.inference_mode(False), torch.enable_grad():
            check_model(self.forward_func)
            batch = checked_inputs(own(inputs if isinstance(inputs, tuple) else (inputs,)))
            request = Request(
                baselines, target, contrast_target, additional_forward_args, feature_mask
            ).fitted(len(batch[0]))
            if mask_size is None and feature_mask is None:
                warn_of_embeddings(self.forward_func, batch, stacklevel=4)
            with preserved(self.forward_func, [tensor.device for tensor in batch], settings.seed):
                masks = self._learn(batch, request, settings, show_progress)
            attributions = tuple(
                _spread(one.mask(mode), tensor) for one, tensor in zip(masks, batch, strict=True)
            )
        attribution = format_output(as_tuple, attributions)
        return (attribution, masks if as_tuple else masks[0]) if return_masks else attribution

    def _learn(
        self, inputs: tuple[Tensor, ...], request: Request, settings: Settings, show_progress: bool
    ) -> tuple[FIDOMasks, ...]:
        """Explain the inputs; those with as many cells together, so that none feels its neighbours."""
        generator = Generator().manual_seed(settings.seed)
        scoring = self._scoring(inputs, request, settings)
        fills = list(self._infills(inputs, request, settings, generator))
        record, drawn = self._record(settings, request, scoring, inputs), generator.get_state()
        rows = alike(inputs, request.groups())
        parts = []
        for some in rows:
            generator.set_state(drawn)
            composites = composites_of(inputs, fills, scoring, request.groups(), settings, some)
            parts.append(self._part(composites, scoring, settings, generator, record, show_progress))
        return tuple(joined(part, rows) for part in zip(*parts, strict=True))

    def _part(
        self,
        composites: list[Composites],
        scoring: Scoring,
        settings: Settings,
        generator: Generator,
        record: dict[str, Any],
        show_progress: bool,
    ) -> tuple[FIDOMasks, ...]:
        """Explain some inputs, and what is left of them once the regions found so far are covered."""
        first, *rest = self._explanations(composites, scoring, settings, generator, show_progress)
        masks = _arranged(composites[0], first, record)
        further = [_arranged(composites[0], one, record) for one in rest]
        return tuple(replace(one, alternatives=others) for one, *others in zip(masks, *further, strict=True))

    def _explanations(
        self,
        composites: list[Composites],
        scoring: Scoring,
        settings: Settings,
        generator: Generator,
        show_progress: bool,
    ) -> Iterator[Explanation]:
        """Yield the explanation, and as many alternatives as are asked for."""
        score, judge = scoring.score, self._second(composites[0], settings)
        whole, rounds = None, 1 + settings.alternatives
        spare = another(self.infill, composites[0].inputs, settings.mask_size)
        with progress_bar(
            f"{self.get_name()} attribution", rounds * settings.n_iterations, show_progress
        ) as advance_to:
            for done in range(rounds):
                trials = Trials(composites, score.amount, whole, score.least)
                other = None if judge is None else Trials([judge], score.amount, trials.whole, score.least)
                learning = self._learning(composites, score, settings, generator)
                watch = partial(_advance, advance_to, done * settings.n_iterations)
                found = explain(learning, trials, other, describe(spare), settings, watch)
                yield found
                covered = composites[0].covered(found.cells[SSR])
                composites = [replace(one, inputs=covered) for one in composites]
                judge = None if judge is None else replace(judge, inputs=covered)
                whole = trials.whole

    def _scoring(self, inputs: tuple[Tensor, ...], request: Request, settings: Settings) -> Scoring:
        by_logits, arguments = SCORES.resolve(self.score).amount is not None, request.additional_forward_args
        query = make_query(self.forward_func, inputs, request.target, arguments, by_logits)
        rows = settings.internal_batch_size or DEFAULT_ROWS
        whole = partial(whole_outputs, query, inputs, rows)
        return make_scoring(self.score, query, request.contrast_target, whole)

    def _infills(
        self, inputs: tuple[Tensor, ...], request: Request, settings: Settings, generator: Generator
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yield what replaces the inputs, once for each infill."""
        first, *further = chosen(self.infill, inputs, settings.mask_size)
        if request.baselines is None:
            yield filled(first, inputs, settings.mask_size, generator)
        else:
            yield infills.given(request.baselines, inputs)
        yield from (filled(one, inputs, settings.mask_size, generator) for one in further)

    def _second(self, composites: Composites, settings: Settings) -> Composites | None:
        """The composites under an infill that nothing is learned with, where learning has but one."""
        other = second(self.infill, composites.inputs, settings.mask_size)
        if other is None:
            return None
        return replace(composites, infills=filled(other, composites.inputs, settings.mask_size, Generator()))

    def _learning(
        self, composites: list[Composites], score: Score, settings: Settings, generator: Generator
    ) -> MaskLearning:
        return MaskLearning(
            composites,
            score,
            SAMPLERS.resolve(self.sampler),
            settings.n_samples,
            settings.n_restarts,
            settings.temperature,
            generator,
            float(torch.rand((), generator=generator, dtype=torch.float32, device="cpu")),
        )

    def _record(
        self, settings: Settings, request: Request, scoring: Scoring, inputs: tuple[Tensor, ...]
    ) -> dict[str, Any]:
        """What the masks were learned with, as it was and not only as it was set."""
        first, *further = chosen(self.infill, inputs, settings.mask_size)
        return {
            "infill": infills.named([first if request.baselines is None else "given", *further]),
            "sampler": describe(self.sampler),
            **scoring.record(),
            **settings.record(),
        }

    @classmethod
    def get_name(cls) -> str:
        """Name the method in progress bars and logs; a subclass is named after its class, as Captum does."""
        return "FIDO" if cls is FIDOAttribution else str(super().get_name())

    @property
    def multiplies_by_inputs(self) -> bool:
        """False: masks say how much of a pixel is needed, not how much it adds."""
        return False

    def attribute_future(self, *args: Any, **kwargs: Any) -> Any:
        """Raise: asynchronous forward functions are not supported."""
        raise NotImplementedError(
            "FIDOAttribution does not support asynchronous forward functions; use attribute."
        )


def _arranged(composites: Composites, found: Explanation, record: dict[str, Any]) -> list[FIDOMasks]:
    """Arrange the cells of each input as a pair of masks."""
    grid, examples = composites.grid, torch.arange(found.cells.shape[1], device=found.cells.device)
    ssr, sdr = (grid.arrange(found.cells[mask], examples) for mask in (SSR, SDR))
    nothing = (None,) * len(ssr)
    agreement = nothing if found.agreement is None else grid.arrange(found.agreement, examples)
    parts = (ssr, sdr, grid.sizes, composites.infills, arranged(found.frames, grid), agreement)
    told = {**record, "winner": found.winners}
    return [
        FIDOMasks(
            ssr, sdr, size, infill, found.history, told,
            trajectory=trajectory, verdict=found.verdicts, agreement_cells=agreement,
        )
        for ssr, sdr, size, infill, trajectory, agreement in zip(*parts, strict=True)
    ]  # fmt: skip


def _check_asker() -> None:
    if asked_by_tools():
        raise ValueError(
            "Expected `return_masks=False` within NoiseTunnel and Captum's metrics, which take attributions "
            "alone, but got True; ask `attribute` itself for the masks."
        )


def _advance(advance_to: Callable[[int], None], done: int, step: int) -> None:
    advance_to(done + step)


def _spread(mask: Tensor, inputs: Tensor) -> Tensor:
    """Give a mask the shape, dtype and device of its input, contiguous."""
    return mask.to(inputs).expand_as(inputs).clone(memory_format=torch.contiguous_format)
