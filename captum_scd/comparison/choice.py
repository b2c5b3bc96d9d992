"""Names, instances, functions and pairs of these with options: brought into one form, before any work."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor

from captum_scd.comparison.calls import Call
from captum_scd.comparison.maps import attributions_of, check_finite, is_attribution, ranking_of
from captum_scd.comparison.measures import DEFAULT_MEASURES, MEASURES, Measure, of_function
from captum_scd.comparison.methods import METHODS, Method, default_methods
from captum_scd.comparison.question import Question
from captum_scd.masks import FIDOMasks
from captum_scd.verdict import Verdict

Methods = Sequence[Any] | Mapping[str, Any] | None
Metrics = Sequence[Any] | Mapping[str, Any] | None


@dataclass(frozen=True)
class Choice:
    """A method that is to be run on a question.

    Attributes:
        name: of its row.
        label: its name in tables and figures.
        call: how its map is made, or the exception that says why it cannot be.
    """

    name: str
    label: str
    call: Call | Exception

    def explain(self, question: Question, inputs: Tensor | None = None) -> "Answer":
        """Make the map of a question, or of other inputs in the place of its own."""
        if isinstance(self.call, Exception):
            raise self.call
        images = question.inputs if inputs is None else inputs
        returned = (self.call.with_masks() if inputs is None else self.call)(question, images)
        attributions, note = attributions_of(returned, images)
        notes = "; ".join(filter(None, (self.call.note, note)))
        ranked = ranking_of(self.call.of)(attributions)
        check_finite(ranked)  # sums over channels overflow where single values do not
        return Answer(attributions, ranked, notes, _verdicts(returned))


@dataclass(frozen=True, eq=False)
class Answer:
    """What a method says of a batch.

    Attributes:
        attributions: (N, channels, H, W), as the method gave them, at the images' size.
        map: (N, 1, H, W), one value per pixel, larger = more important.
        note: what the reader should know.
        verdicts: FIDO's own, one per image, on whether its map can be trusted; no other method gives any.
    """

    attributions: Tensor
    map: Tensor
    note: str
    verdicts: tuple[Verdict, ...] = ()


def choose_methods(methods: Methods, question: Question) -> tuple[Choice, ...]:
    """Turn the argument `methods` of `compare` into calls that only have to be made.

    Raises:
        TypeError: for what is no method, or options that a method does not take.
        ValueError: for an unknown name, a name that comes twice, or no method at all.
    """
    with question.untouched():
        chosen = default_methods(question) if methods is None else methods
        named = _named("methods", chosen, _method_name)
        choices = [_choice(name, what, question) for name, what in named]
    labels = [choice.label for choice in choices]
    return tuple(one if labels.count(one.label) == 1 else replace(one, label=one.name) for one in choices)


def choose_metrics(metrics: Metrics) -> dict[str, Measure]:
    """Turn the argument `metrics` of `compare` into measures, under their names."""
    named = _named("metrics", DEFAULT_MEASURES if metrics is None else metrics, _metric_name)
    return {name: _measure(name, what) for name, what in named}


def _verdicts(returned: object) -> tuple[Verdict, ...]:
    masks = returned[1] if isinstance(returned, tuple) and len(returned) > 1 else None
    return masks.verdict or () if isinstance(masks, FIDOMasks) else ()


def _choice(name: str, what: Any, question: Question) -> Choice:
    what, options = what if _is_pair(what, Mapping) else (what, {})
    method = _method(name, what)
    try:
        call = method.build(question)
    except Exception as reason:
        return Choice(name, method.label, reason)
    call = replace(call, options={**call.options, **options})
    call.check(name, question)
    return Choice(name, method.label, call)


def _method(name: str, what: Any) -> Method:
    if isinstance(what, Method):
        return what
    if isinstance(what, str):
        method = METHODS[_known("method", what, METHODS)]
        return method if name == what else replace(method, label=name)
    if is_attribution(what) or (callable(what) and not isinstance(what, type)):
        return Method(name, lambda question: Call(what))
    raise TypeError(
        "Expected a method to be a name, an attribution instance of Captum, a function, or a pair of one of "
        f"these and its keyword arguments, but got {what!r}."
    )


def _measure(name: str, what: Any) -> Measure:
    if isinstance(what, str):
        measure = MEASURES[_known("metric", what, MEASURES)]
        return measure if name == what else replace(measure, label=name)
    function, better = what if _is_pair(what, str) else (what, "")
    if not callable(function) or better not in ("higher", "lower", ""):
        raise TypeError(
            "Expected a metric to be a name, a function, or a pair of a function and 'higher' or 'lower', "
            f"whichever is better, but got {what!r}."
        )
    return Measure(name, better, partial(of_function, function))


def _named(kind: str, chosen: Any, name_of: Callable[[Any], str]) -> list[tuple[str, Any]]:
    """Give each of a sequence or mapping its name, and check that there is one and none comes twice."""
    if not isinstance(chosen, (str, Mapping, Iterable)):
        raise TypeError(f"Expected `{kind}` to be a sequence or a mapping, but got {chosen!r}.")
    if isinstance(chosen, Mapping):
        named = list(chosen.items())
    else:
        named = [(name_of(one), one) for one in ([chosen] if isinstance(chosen, str) else chosen)]
    names = [name for name, _ in named]
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"Expected the names in `{kind}` to be strings, but got {names}.")
    if not names:
        raise ValueError(f"Expected `{kind}` to hold at least one, but it is empty.")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"Expected `{kind}` with a name each, but {twice[0]!r} comes twice; give a mapping of names."
        )
    return named


def _method_name(what: Any) -> str:
    what = what[0] if _is_pair(what, Mapping) else what
    return what.get_name() if is_attribution(what) else _short_name(what)


def _metric_name(what: Any) -> str:
    return _short_name(what[0] if _is_pair(what, str) else what)


def _short_name(what: Any) -> str:
    return what if isinstance(what, str) else getattr(what, "__name__", type(what).__name__)


def _is_pair(what: Any, second: type) -> bool:
    return isinstance(what, tuple) and len(what) == 2 and isinstance(what[1], second)


def _known(kind: str, name: str, registry: Mapping[str, Any]) -> str:
    if name not in registry:
        raise ValueError(
            f"Expected a {kind} to be one of {', '.join(map(repr, registry))}, but got {name!r}."
        )
    return name
