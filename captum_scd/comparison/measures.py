"""The metrics that `compare` knows by name. A new one is one entry in `MEASURES`."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor

from captum_scd import infill as infills
from captum_scd import metrics
from captum_scd.comparison.maps import stretched
from captum_scd.comparison.question import Question
from captum_scd.metrics.ordered import Ordered

STEPS = 20
"""Steps of the curves under an infill of their own, half as many as of the others: they are asked anew."""

DRAWS = 4
"""Noisy copies of the images whose maps sensitivity compares; with its floor it costs three more."""

ARROWS = {"higher": " ↑", "lower": " ↓", "": ""}


@dataclass(frozen=True, eq=False)
class Evidence:
    """A map, and what it is the answer to.

    Attributes:
        question: the model, the images, their class and baselines.
        map: (N, 1, H, W), larger = more important.
        explain: the method that made it: inputs (N, C, H, W) -> map (N, 1, H, W).
    """

    question: Question
    map: Tensor
    explain: Callable[[Tensor], Tensor]

    @property
    def asked(self) -> dict[str, Any]:
        """Arguments of the metrics that ask the model."""
        return {
            "forward_func": self.question.model,
            "inputs": self.question.inputs,
            "attributions": self.map,
            "baselines": self.question.baselines,
            "target": self.question.target,
            "additional_forward_args": self.question.additional_forward_args,
            "internal_batch_size": self.question.rows,
        }

    @cached_property
    def ordered(self) -> Ordered:
        """Curves and areas in the order of the map, asked for once by all metrics that read them."""
        return Ordered(**self.asked)

    def difference_under(self, infill: str) -> Tensor:
        """Difference of insertion and deletion with another infill than the question's, (N,)."""
        inputs, generator = self.question.inputs, Generator().manual_seed(self.question.seed)
        asked = {**self.asked, "baselines": infills.resolve(infill)(inputs, generator), "n_steps": STEPS}
        return metrics.insertion_deletion(**asked).difference

    @cached_property
    def sensitivity(self) -> metrics.Sensitivity:
        """Sensitivity and its floor; each draw is an explanation."""
        question = self.question
        return metrics.sensitivity(self.explain, question.inputs, n_samples=DRAWS, seed=question.seed)


@dataclass(frozen=True)
class Measure:
    """A metric with a name.

    Attributes:
        label: its name in tables.
        better: "higher", "lower", or "" where that is not known.
        of: evidence -> (N,).
        note: what it is, in half a sentence.
    """

    label: str
    better: str
    of: Callable[[Evidence], Tensor]
    note: str = ""

    @property
    def heading(self) -> str:
        """The label, with an arrow towards what is better."""
        return self.label + ARROWS[self.better]


def of_function(function: Callable[..., Any], evidence: Evidence) -> Tensor:
    """Ask a function `(model, inputs, attributions, baselines, target) -> (N,)`.

    Where the model has `additional_forward_args`, they come last, if the function takes one argument more.

    Raises:
        ValueError: unless it returns one number per image.
    """
    asked = evidence.question
    arguments = [asked.model, asked.inputs, evidence.map, asked.baselines, asked.target]
    further = [] if asked.additional_forward_args is None else [asked.additional_forward_args]
    taken = further if takes(function, len(arguments) + len(further)) else []
    values = torch.as_tensor(function(*arguments, *taken))
    if values.numel() != len(evidence.map):
        came = tuple(values.shape)
        raise ValueError(f"Expected a metric to return {len(evidence.map)} values, but got shape {came}.")
    return values.flatten()


def takes(function: Callable[..., Any], count: int) -> bool:
    """Tell whether a function takes so many arguments by place; built-in ones may not tell, and do.

    >>> takes(lambda a, b: a, 2), takes(lambda a, b: a, 3), takes(lambda *all: all, 3)
    (True, False, True)
    """
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _insertion(evidence: Evidence) -> Tensor:
    return evidence.ordered.curves.insertion


def _deletion(evidence: Evidence) -> Tensor:
    return evidence.ordered.curves.deletion


def _difference(evidence: Evidence) -> Tensor:
    return evidence.ordered.curves.difference


def _mean_difference(evidence: Evidence) -> Tensor:
    return evidence.difference_under("mean")


def _shuffle_difference(evidence: Evidence) -> Tensor:
    return evidence.difference_under("shuffle")


def _road_difference(evidence: Evidence) -> Tensor:
    asked = {name: value for name, value in evidence.asked.items() if name != "baselines"}
    return metrics.road(**asked, n_steps=STEPS, seed=evidence.question.seed).difference


def _token_difference(evidence: Evidence) -> Tensor:
    return evidence.question.dropping.difference(evidence.map)


def _sufficient_area(evidence: Evidence) -> Tensor:
    return evidence.ordered.sufficient_area


def _destroying_area(evidence: Evidence) -> Tensor:
    return evidence.ordered.destroying_area


def _total_variation(evidence: Evidence) -> Tensor:
    return metrics.total_variation(stretched(evidence.map))


def _infidelity(evidence: Evidence) -> Tensor:
    return evidence.question.blocks.infidelity(evidence.map)


def _sensitivity(evidence: Evidence) -> Tensor:
    return evidence.sensitivity.value


def _sensitivity_floor(evidence: Evidence) -> Tensor:
    return evidence.sensitivity.floor


MEASURES: Mapping[str, Measure] = {
    "insertion": Measure(
        "insertion",
        "higher",
        _insertion,
        "mean probability as the pixels come back, the most important first",
    ),
    "deletion": Measure(
        "deletion",
        "lower",
        _deletion,
        "mean probability as the pixels are replaced, the most important first",
    ),
    "difference": Measure(
        "difference", "higher", _difference, "insertion less deletion: the symmetric relevance gain"
    ),
    "difference_mean": Measure(
        "difference, mean",
        "higher",
        _mean_difference,
        "the same with the mean colour in place of missing pixels",
    ),
    "difference_shuffle": Measure(
        "difference, shuffled",
        "higher",
        _shuffle_difference,
        "the same with shuffled patches of the image, with which FIDO does not learn by default",
    ),
    "difference_road": Measure(
        "difference, ROAD", "higher", _road_difference, "the same with pixels imputed from their neighbours"
    ),
    "difference_tokens": Measure(
        "difference, tokens",
        "higher",
        _token_difference,
        "what the most important tokens of a transformer alone have, less what the least important have",
    ),
    "sufficient_area": Measure(
        "keeps 90 %", "lower", _sufficient_area, "least share of the image that keeps 90 % of the probability"
    ),
    "destroying_area": Measure(
        "leaves 5 %",
        "lower",
        _destroying_area,
        "least share of the image to replace until 5 % of the probability are left",
    ),
    "total_variation": Measure(
        "TV", "lower", _total_variation, "total variation of the map, stretched to [0, 1]"
    ),
    "infidelity": Measure(
        "infidelity",
        "lower",
        _infidelity,
        "squared error of the drops that the map predicts as blocks are replaced; 1: as a map of zeros",
    ),
    "sensitivity": Measure(
        "sensitivity",
        "lower",
        _sensitivity,
        "greatest change of the map under small noise on the image, over the map's size",
    ),
    "sensitivity_floor": Measure(
        "sensitivity floor",
        "lower",
        _sensitivity_floor,
        "the same without any noise: what the method's own randomness contributes",
    ),
}
"""The metrics by name."""

DEFAULT_MEASURES = (
    "insertion", "deletion", "difference", "sufficient_area", "destroying_area",
    "total_variation", "infidelity",
)  # fmt: skip
"""Those that `compare` measures where none are named: sensitivity explains each image several times."""
