"""`compare`: run several attribution methods on the same images and classes, and measure their maps."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from captum_scd._captum import Baselines, Target, progress_bar
from captum_scd._warnings import once
from captum_scd.comparison.calls import Call, described
from captum_scd.comparison.choice import Answer, Choice, Methods, Metrics, choose_methods, choose_metrics
from captum_scd.comparison.costs import Cost, metered
from captum_scd.comparison.layers import NotApplicableError
from captum_scd.comparison.maps import flat, is_attribution
from captum_scd.comparison.measures import Evidence, Measure
from captum_scd.comparison.methods import default_methods
from captum_scd.comparison.question import Question, make_question
from captum_scd.comparison.result import DONE, FAILED, INTERRUPTED, LEFT_OUT, Comparison, Row
from captum_scd.metrics import InsertionDeletion


def compare(
    model: Callable[..., Any],
    inputs: Tensor,
    target: Target = None,
    methods: Methods = None,
    metrics: Metrics = None,
    *,
    baselines: Baselines = None,
    infill: str | Callable[..., Tensor] = "blur",
    additional_forward_args: object = None,
    internal_batch_size: int = 64,
    seed: int = 0,
    show_progress: bool = False,
) -> Comparison:
    """Explain the same images by several methods and measure all of them alike.

    Every method gets the same inputs, classes and, where it takes any, baselines; every metric the same
    baselines again. A method that fails keeps its row, and the row says why. The model is left as it was:
    parameters, gradients, buffers, modes, hooks and the global random state, also after an error or Ctrl-C.
    After Ctrl-C, the finished methods are returned with a warning, and the others are marked
    `"interrupted"`; if no method has finished yet, KeyboardInterrupt is raised.

    Args:
        model: the classifier, which returns logits (N, classes). Any function does, but GradCAM, Guided
            GradCAM and the counts of passes need a `torch.nn.Module`.
        inputs: images (N, C, H, W), floating-point; few enough for one forward and backward pass.
        target: class of each image in any of Captum's forms; by default the predicted one.
        methods: a sequence of methods, or a mapping of names to methods; by default
            `comparison.DEFAULT_METHODS`. On transformers, where Guided GradCAM has no meaning, attention
            relevance takes its place. A method is a name of `comparison.METHODS`, any of Captum's
            attribution instances, a function `(inputs, target=..., baselines=...) -> map`, an object of
            pytorch-grad-cam such as `GradCAM(model, layers)`, or a pair of one of these and its keyword
            arguments: `(Occlusion(model), {"sliding_window_shapes": ...})`. Maps are tensors or numpy
            arrays (N, channels, h, w) or (N, h, w); larger is more important.
            Each method is given those of target, baselines, additional_forward_args, internal_batch_size and
            seed that its signature names; its own keyword arguments take precedence.
        metrics: a sequence or a mapping, as for methods; by default `comparison.DEFAULT_MEASURES`. A metric
            is a name of `comparison.MEASURES`, a function `(model, inputs, attributions, baselines, target)
            -> (N,)`, with `additional_forward_args` as a sixth argument where there are any, or a pair of
            such a function and `"higher"` or `"lower"`, whichever is better.
        baselines: what replaces missing pixels, a number or a tensor; takes precedence over `infill`.
        infill: what makes the baselines from the inputs, as for `FIDOAttribution`.
        additional_forward_args: further arguments of the model.
        internal_batch_size: most rows in one pass, for metrics and for methods that have such an argument.
        seed: of all random draws.
        show_progress: show a progress bar over the methods on standard error.

    Returns:
        Maps, values, costs, tables and figures, see `Comparison`. Captum's gradient methods rank pixels by
        the sum of absolute values over channels; all others, and functions, by the sum.

    Raises:
        ValueError: for an unknown or repeated name, no methods or metrics at all, or inputs that are no
            images or not finite.
        TypeError: for what is no method or metric, keyword arguments that a method does not take, or
            arguments of the wrong type.
        AssertionError: for a malformed or mismatched target, as Captum's methods do.
        IndexError: for a target outside the model's output.

    >>> head = nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5)
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), *head)
    >>> comparison = compare(model.eval(), torch.randn(2, 3, 12, 12), methods=["saliency", "gradcam"])
    >>> comparison.maps["gradcam"].shape
    torch.Size([2, 1, 12, 12])
    >>> comparison.rows["gradcam"].note
    "layer '1', 4 x 10 x 10; interpolated from 10 x 10"
    """
    measures = choose_metrics(metrics)
    with once(), torch.inference_mode(False), torch.enable_grad():
        question = make_question(
            model, inputs, target, baselines, infill, additional_forward_args, internal_batch_size, seed
        )
        choices = choose_methods(methods, question)
        rows = _rows(question, choices, measures, show_progress)
    return Comparison(
        rows, measures, question.inputs, question.baselines, question.target, seed, question.outputs
    )


def methods_for(model: Callable[..., Any], inputs: Tensor) -> tuple[str, ...]:
    """Name the methods that `compare` runs on a network where none are named, by one look at some inputs."""
    with once(), torch.inference_mode(False), torch.enable_grad():
        question = make_question(model, inputs, None, 0.0, "blur", None, len(inputs), 0)
        with question.untouched():
            return default_methods(question)


def _rows(
    question: Question, choices: tuple[Choice, ...], measures: Mapping[str, Measure], show_progress: bool
) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    try:
        with progress_bar("Comparison", len(choices), show_progress) as advance_to:
            for choice in choices:
                rows[choice.name] = _row(question, choice, measures)
                advance_to(len(rows))
    except KeyboardInterrupt:
        if not rows:
            raise
        warnings.warn(f"Interrupted: {len(rows)} of {len(choices)} methods were run.", stacklevel=3)
    rest = choices[len(rows) :]
    return rows | {choice.name: Row(choice.label, INTERRUPTED) for choice in rest}


def _row(question: Question, choice: Choice, measures: Mapping[str, Measure]) -> Row:
    """Run one method, then the metrics on its map."""
    try:
        with question.untouched(), metered(question) as meter:
            answer = choice.explain(question)
    except Exception as error:
        status = LEFT_OUT if isinstance(error, NotApplicableError) else FAILED
        return Row(choice.label, status, described(error))
    evidence = Evidence(question, answer.map, lambda inputs: choice.explain(question, inputs).map)
    with question.untouched(), metered(question) as measuring:
        values, failures = _measured(evidence, measures)
    notes = [answer.note, _strangeness(choice, meter.cost), _flatness(answer), *failures]
    return Row(
        choice.label, DONE, "; ".join(filter(None, notes)), answer.attributions, answer.map, values,
        _curves(evidence), meter.cost, measuring.cost, answer.verdicts,
    )  # fmt: skip


def _curves(evidence: Evidence) -> InsertionDeletion | None:
    """Insertion and deletion, where a metric has read them."""
    ordered = vars(evidence).get("ordered")
    return None if ordered is None else vars(ordered).get("curves")


def _measured(evidence: Evidence, measures: Mapping[str, Measure]) -> tuple[dict[str, Tensor], list[str]]:
    """Values of the metrics, and what is to be said of those that failed."""
    values: dict[str, Tensor] = {}
    failures = []
    for name, measure in measures.items():
        try:
            with evidence.question.untouched():
                values[name] = measure.of(evidence).detach().cpu()
        except Exception as error:
            failures.append(f"no {measure.label}: {described(error)}")
    return values, failures


def _strangeness(choice: Choice, cost: Cost | None) -> str:
    """Say of an instance of Captum if it has explained another model."""
    idle = cost is not None and cost.forward == cost.backward == 0
    theirs = isinstance(choice.call, Call) and is_attribution(choice.call.of)
    return "it never asked the model" if idle and theirs else ""


def _flatness(answer: Answer) -> str:
    count = int(flat(answer.map).sum())
    return f"flat on {count} of {len(answer.map)} images" if count else ""
