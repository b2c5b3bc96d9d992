"""What every method and every metric is asked alike: the same images, class and baselines."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Generator, Tensor

from captum_scd import infill as infills
from captum_scd._captum import Baselines, Target, format_additional_forward_args
from captum_scd.comparison.dropping import Dropping
from captum_scd.comparison.layers import Step, feature_layer
from captum_scd.comparison.untouched import untouched
from captum_scd.forward import checked_inputs, copied, make_query
from captum_scd.metrics.fidelity import Trial, trial_of
from captum_scd.models import logits_of
from captum_scd.network import check_model, in_plain_words
from captum_scd.objective import logit, prob
from captum_scd.outputs import logits_in
from captum_scd.settings import check_integer


@dataclass(frozen=True, eq=False)
class Question:
    """Why does this model see this class in these images?

    Attributes:
        model: the user's model, or any function that returns logits (N, classes), or one logit (N,), in a
            tensor; made of it by `logits_of` where it returns them otherwise.
        inputs: (N, C, H, W).
        baselines: (N, C, H, W), what stands where pixels are missing.
        target: (N,) class of each image, a list of tuples for outputs of more dimensions, None for models
            with one output per image.
        additional_forward_args: passed on to the model.
        rows: most rows in one pass, wherever that can be chosen.
        seed: of all random draws.
        outputs: what the model says of the images.
    """

    model: Callable[..., Any]
    inputs: Tensor
    baselines: Tensor
    target: Target
    additional_forward_args: object
    rows: int
    seed: int
    outputs: Tensor

    @property
    def offered(self) -> dict[str, Any]:
        """Keyword arguments that a method gets, of those that it takes; tensors are copies."""
        return {
            "baselines": self.baselines.clone(),
            "target": self.target.clone() if isinstance(self.target, Tensor) else self.target,
            "additional_forward_args": self.additional_forward_args,
            "internal_batch_size": self.rows,
            "seed": self.seed,
        }

    @cached_property
    def blocks(self) -> Trial:
        """What the model does as blocks are replaced, asked once for the maps of all methods."""
        return trial_of(
            self.model, self.inputs, self.baselines, self.target, self.additional_forward_args,
            seed=self.seed, internal_batch_size=self.rows,
        )  # fmt: skip

    @cached_property
    def features(self) -> Step | Exception:
        """The layer that GradCAM looks at, or why there is none; the model is run once to find it."""
        try:
            return feature_layer(self.model, self.answer)
        except Exception as reason:
            return reason

    @cached_property
    def dropping(self) -> Dropping:
        """The network without some of its tokens; raises as `Dropping.of` does."""
        return Dropping.of(self.model, self.inputs, self.probability)

    def untouched(self) -> AbstractContextManager[None]:
        """Let a method work, and put the model and the global random state back afterwards."""
        return untouched(self.model, self.inputs.device, self.seed)

    def score(self) -> Tensor:
        """Sum the logits of the classes over the images themselves, with a graph from the inputs on."""
        images = self.inputs.clone().requires_grad_()
        return class_logits(self.model, images, self.target, self.additional_forward_args).sum()

    def probability(self) -> Tensor:
        """Ask for the probability of the class of each image, (N,), without a graph."""
        with torch.no_grad():
            return _class_scores(prob, self.model, self.inputs, self.target, self.additional_forward_args)

    def answer(self) -> Any:
        """Run the model on the images themselves, without a graph."""
        return _answer(self.model, self.inputs, self.additional_forward_args)


def class_logits(
    model: Callable[..., Any], inputs: Tensor, target: Target, arguments: object = None
) -> Tensor:
    """Ask for the logit of the class of each image, (N,)."""
    return _class_scores(logit, model, inputs, target, arguments)


def _class_scores(
    score: Callable[[Tensor, Tensor | None], Tensor],
    model: Callable[..., Any],
    inputs: Tensor,
    target: Target,
    arguments: object,
) -> Tensor:
    query, examples = make_query(model, (inputs,), target, arguments), torch.arange(len(inputs))
    examples = examples.to(inputs.device)
    return score(query((inputs,), examples), query.targets(examples))


def make_question(
    model: Callable[..., Any],
    inputs: Tensor,
    target: Target,
    baselines: Baselines,
    infill: str | Callable[..., Tensor],
    additional_forward_args: object,
    rows: int,
    seed: int,
) -> Question:
    """Bring the arguments of `compare` into one form, and check them."""
    if not callable(model):
        raise TypeError(f"Expected `model` to be callable, but got {type(model).__name__}.")
    rows = check_integer("internal_batch_size", rows, least=1)
    seed = check_integer("seed", seed, least=0)
    check_model(model)
    images = _checked_images(inputs)
    filled = _filled(images, baselines, infill, seed)
    with untouched(model, images.device, seed):
        output = _answer(model, images, additional_forward_args)
        settled, logits = _settled(model, output, images, target, additional_forward_args)
    if not isinstance(output, Tensor):
        model = logits_of(model)
    return Question(model, images, filled, settled, additional_forward_args, rows, seed, logits)


def _checked_images(inputs: Tensor) -> Tensor:
    (images,) = checked_inputs((inputs,))
    if images.ndim != 4:
        raise ValueError(f"Expected `inputs` to be images (N, C, H, W), but got {tuple(images.shape)}.")
    return images.detach().clone()


def _filled(images: Tensor, baselines: Baselines, infill: str | Callable[..., Tensor], seed: int) -> Tensor:
    if baselines is None:
        return infills.resolve(infill)(images, Generator().manual_seed(seed))
    return infills.given(baselines, (images,))[0]


def _settled(
    model: Callable[..., Any], output: object, images: Tensor, target: Target, arguments: object
) -> tuple[Target, Tensor]:
    """Bring the target into one form, the predicted class where it is None, and try it on the output.

    Returns:
        The target, and the logits in the output.
    """
    logits = logits_in(output)
    if target is None and logits.ndim == 2 and logits.shape[1] > 1:
        target = logits.argmax(1)
    query = make_query(model, (images,), target, arguments)
    if query.checked(logits, torch.arange(len(images), device=images.device)).isnan().any():
        raise ValueError("Expected finite outputs of the model, but got NaN.")
    index = query.target
    if index is None:
        return None, logits
    return index[:, 0].clone() if index.shape[1] == 1 else [tuple(row) for row in index.tolist()], logits


def _answer(model: Callable[..., Any], images: Tensor, arguments: object) -> Any:
    with torch.no_grad(), in_plain_words(model, (images,), len(images)):
        return model(copied(images), *copied(format_additional_forward_args(arguments)))
