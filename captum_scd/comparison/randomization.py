"""Do maps show what the network has learned? Its layers are randomised, and the maps must change.

The cascading parameter randomisation of Adebayo et al. 2018, "Sanity checks for saliency maps", section 3.1.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Generator, Tensor, nn

from captum_scd import metrics
from captum_scd._captum import Baselines, Target, progress_bar
from captum_scd._warnings import once
from captum_scd.comparison.calls import described
from captum_scd.comparison.cascade import Stage, named_stages, redraw, stages_from_the_top
from captum_scd.comparison.choice import Choice, Methods, choose_methods
from captum_scd.comparison.question import Question, make_question
from captum_scd.passes import counted
from captum_scd.settings import check_integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Randomization:
    """How maps change as the layers of a network are randomised from the top.

    Attributes:
        layers: L names; at each, this layer and all above it are random.
        correlations: by method, (L, N) rank correlation in [-1, 1] of the map with that of the trained
            network; NaN where a map is flat and has no order.
        labels: by method, its name in figures.
        failures: by method that could not be judged, why.

    >>> correlations = {"fido": torch.tensor([[0.5], [-0.1]])}
    >>> result = Randomization(("head", "stem"), correlations, labels={"fido": "FIDO"}, failures={})
    >>> round(result.scores["fido"], 2)
    0.3
    """

    layers: tuple[str, ...]
    correlations: Mapping[str, Tensor]
    labels: Mapping[str, str]
    failures: Mapping[str, str]

    @property
    def scores(self) -> dict[str, float]:
        """By method, the mean absolute rank correlation over layers and images, in [0, 1].

        Smaller is better: near 0 the map shows what was learned, near 1 it would look alike for a network
        that has learned nothing. A map that turns into its own negative shows the same edges as before, so
        the sign does not count. NaN where all maps are flat.
        """
        return {name: values.abs().nanmean().item() for name, values in self.correlations.items()}

    def plot(self, title: str = "") -> tuple[Figure, Axes]:
        """Draw the correlations, a line per method; return the figure and its axes."""
        from captum_scd.visualization import randomization_figure

        curves = {self.labels[name]: values for name, values in self.correlations.items()}
        return randomization_figure(self.layers, curves, title=title)


def parameter_randomization(
    model: nn.Module,
    inputs: Tensor,
    target: Target = None,
    methods: Methods = None,
    layers: Sequence[str] | None = None,
    *,
    n_stages: int = 8,
    baselines: Baselines = None,
    infill: str | Callable[..., Tensor] = "blur",
    additional_forward_args: object = None,
    internal_batch_size: int = 64,
    seed: int = 0,
    show_progress: bool = False,
) -> Randomization:
    """Randomise a network from the top down, and see whether the maps of its decisions change.

    A copy of the network is randomised, the user's stays as it is. Each parameter tensor is drawn anew from a
    normal distribution with its own mean and standard deviation, so that activations keep their scale. Class,
    baselines and the methods' random numbers stay the same: all that changes is what the network knows.

    Args:
        model: the classifier.
        inputs, target, baselines, infill, additional_forward_args, internal_batch_size, seed: as for
            `compare`.
        methods: as for `compare`; Captum's instances must have been made with this model itself. Each is
            run once for the trained network and once per stage.
        layers: names of modules, the first to be randomised first, each with all that is in it. By default
            all modules with parameters, the last used first, in stages.
        n_stages: where `layers` is None, number of stages over which they are spread evenly; the first is
            the top layer alone.
        show_progress: show a progress bar on standard error.

    Returns:
        Correlations and scores by method, see `Randomization`. A method that fails, or never asks the model,
        is among the failures.

    Raises:
        TypeError: if the model is no `torch.nn.Module`.
        ValueError: for layers that the model does not have, or that have no parameters; all else as for
            `compare`.

    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 5)).eval()
    >>> result = parameter_randomization(model, torch.randn(2, 3, 12, 12), methods=["saliency"])
    >>> result.layers, result.correlations["saliency"].shape
    (('3', '0'), torch.Size([2, 2]))
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"Expected `model` to be a torch.nn.Module, but got {type(model).__name__}.")
    check_integer("n_stages", n_stages, least=1)
    with once(), torch.inference_mode(False), torch.enable_grad():
        question = make_question(
            model, inputs, target, baselines, infill, additional_forward_args, internal_batch_size, seed
        )
        stages = _stages(model, question, layers, n_stages)
        together = (model, question.model, methods)  # so that all of them keep to one network
        model, asked, methods = copy.deepcopy(together)
        question = replace(question, model=asked)
        cascade = _Cascade(model, question, choose_methods(methods, question))
        with progress_bar("Randomization", len(stages) + 1, show_progress) as advance_to:
            cascade.start()
            advance_to(1)
            for done, stage in enumerate(stages, start=2):
                cascade.randomize(stage)
                advance_to(done)
    return cascade.result(tuple(stage.name for stage in stages))


def _stages(model: nn.Module, question: Question, layers: Sequence[str] | None, n_stages: int) -> list[Stage]:
    if layers is not None:
        return named_stages(model, layers)
    with question.untouched():
        return stages_from_the_top(model, question.answer, n_stages)


class _Cascade:
    """A network that forgets, layer by layer, and the maps that were made of it before."""

    def __init__(self, model: nn.Module, question: Question, choices: Sequence[Choice]) -> None:
        self.model, self.question, self.choices = model, question, choices
        self.generator = Generator().manual_seed(question.seed)
        self.original: dict[str, Tensor] = {}
        self.correlations: dict[str, list[Tensor]] = {choice.name: [] for choice in choices}
        self.failures: dict[str, str] = {}

    def start(self) -> None:
        """Make the maps of the trained network."""
        self.original = self._maps()

    def randomize(self, stage: Stage) -> None:
        """Randomise some more parameters, and compare the maps with the original ones."""
        redraw(self.model, stage, self.generator)
        for name, values in self._maps().items():
            self.correlations[name].append(metrics.rank_correlation(self.original[name], values).cpu())

    def result(self, layers: tuple[str, ...]) -> Randomization:
        """Gather the correlations of the methods that went through."""
        through = [choice for choice in self.choices if choice.name not in self.failures]
        return Randomization(
            layers,
            {choice.name: torch.stack(self.correlations[choice.name]) for choice in through},
            {choice.name: choice.label for choice in self.choices},
            self.failures,
        )

    def _maps(self) -> dict[str, Tensor]:
        maps = {}
        for choice in self.choices:
            if choice.name in self.failures:
                continue
            try:
                maps[choice.name] = self._map(choice)
            except Exception as error:
                self.failures[choice.name] = described(error)
        return maps

    def _map(self, choice: Choice) -> Tensor:
        with self.question.untouched(), counted(self.model) as passes:
            values = choice.explain(self.question).map
        if not passes.total:
            raise ValueError("it never asked the model, or another than the one that was given")
        return values
