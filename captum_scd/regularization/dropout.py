"""`SaliencyGuidedDropout`: train a model without the features that it relies on most."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from captum_scd._captum import Target
from captum_scd.forward import copied, make_query, preserved
from captum_scd.network import reading
from captum_scd.objective import logit
from captum_scd.outputs import logits_in
from captum_scd.regularization.saliency import (
    UNITS,
    by_unit,
    gradient_x_activation,
    most_salient,
    thresholds,
    without,
)
from captum_scd.regularization.tap import Tap


class SaliencyGuidedDropout(nn.Module):
    """Train a model without the features that speak most for the label, so that it learns to use the others.

    SGDrop (Bertoin et al. 2024, arXiv 2409.17370). In training, each call attributes the label's score to
    the output of `layer`, sets the most salient share of each example to zero, and runs the model on what is
    left. In eval mode it is the plain model.

    The attribution pass runs the model once more, and up to `layer` without a graph: one more forward pass,
    and a backward pass through what comes after `layer` (`benchmarks/sgdrop.py --part cost`). It leaves
    gradients and buffers (BatchNorm statistics) as they are. It draws the same random numbers as the pass
    that follows, so that the model's own dropout is the same in both. The mask is not differentiated.

    Parameters, gradients and `state_dict` are the model's own: a trained model loads without this package.
    While this module is in training mode, a forward hook sits on `layer`.

    Works under autocast, `DistributedDataParallel` (wrapped around this module), `torch.compile` (of the
    model or of this module, with a graph break at `layer`) and gradient checkpointing with
    `use_reentrant=False`; the reentrant kind only before `layer`.

    Args:
        model: returns logits (N, classes).
        layer: part of the model, or its name, that runs once in a forward pass and returns a tensor (N, ...).
        rate: share of the units to drop, in [0, 1), or a schedule `(step) -> share`, with steps counted from
            0 as in `step`. 0 is the plain model.
        attribution: function `(features, gradient) -> attribution` of the layer's output and the label's
            gradient, or a Captum layer attribution of this model and layer. Larger is more salient; the
            result broadcasts to the features.
        unit: what is dropped at once: `"feature"`, `"channel"` or `"position"`. The attribution of a unit is
            the sum over it.
        channel_dim: dimension of the channels in the layer's output: 1 in (N, C, H, W), -1 in (N, T, D).
        momentum: None drops the same share of each example. A number in [0, 1) is the momentum of a moving
            average of the threshold: everything above this average is dropped, more from one example than
            from another, and nothing where nothing is salient.
        rescale: divide what is left by the share that is left, as dropout does.

    Attributes:
        step: number of calls in training mode so far; set it when training goes on from a checkpoint.

    Raises:
        ValueError: for settings out of range, or a layer that is no part of the model.
        TypeError: for a rate or an attribution of the wrong type.

    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 6 * 6, 5))
    >>> sgdrop = SaliencyGuidedDropout(model, layer=model[1], rate=0.1)
    >>> x, y = torch.randn(2, 3, 8, 8), torch.tensor([3, 0])
    >>> nn.functional.cross_entropy(sgdrop(x, target=y), y).backward()
    >>> torch.equal(sgdrop.eval()(x), model(x))
    True
    """

    threshold: Tensor

    def __init__(
        self,
        model: nn.Module,
        layer: nn.Module | str,
        rate: float | Callable[[int], float] = 0.1,
        *,
        attribution: Any = gradient_x_activation,
        unit: str = "feature",
        channel_dim: int = 1,
        momentum: float | None = None,
        rescale: bool = False,
    ) -> None:
        super().__init__()
        if unit not in UNITS:
            raise ValueError(f"Expected `unit` to be one of {', '.join(map(repr, UNITS))}, but got {unit!r}.")
        if channel_dim == 0:
            raise ValueError(
                "Expected `channel_dim` to be a dimension of the features, but got 0, the batch."
            )
        if not callable(attribution) and not hasattr(attribution, "attribute"):
            raise TypeError(
                "Expected `attribution` to be a function or a Captum layer attribution, "
                f"but got {attribution!r}."
            )
        if not callable(rate):
            _checked_share("rate", rate)
        if momentum is not None:
            _checked_share("momentum", momentum)
        self.model = model
        self.layer_name = _name_of(layer, model)
        self.rate, self.attribution, self.unit, self.channel_dim = rate, attribution, unit, channel_dim
        self.momentum, self.rescale, self.step = momentum, rescale, 0
        self.reading = reading(model)
        self.register_buffer(
            "threshold", torch.tensor(float("nan"), dtype=torch.float32, device="cpu"), persistent=False
        )
        self._tap = Tap()
        self._tap.attach(self.layer)

    @property
    def layer(self) -> nn.Module:
        """The layer whose output is dropped from."""
        return self.model.get_submodule(self.layer_name)

    @torch.compiler.disable(recursive=False)  # type: ignore[untyped-decorator]
    def forward(self, *inputs: Any, target: Target | Tensor = None, **arguments: Any) -> Tensor:
        """Run the model; in training mode, without the features most salient for the target.

        Args:
            inputs: what the model takes.
            target: the label, in any of Captum's forms, or class probabilities of the logits' shape (soft
                labels), whose score is the mean logit under them. Not needed in eval mode, nor at rate 0.
            arguments: keyword arguments of the model.

        Returns:
            The model's output.

        Raises:
            AssertionError: in training mode, for a missing or malformed target, as Captum's methods do.
            IndexError: for a target outside the model's output.
            TypeError: for a model or layer that returns no tensor.
            ValueError: for a layer that does not run once in a forward pass, or whose output does not fit.
            RuntimeError: for a layer that the score does not depend on.
        """
        if not self.training:
            return self.model(*inputs, **arguments)  # type: ignore[no-any-return]
        rate = _checked_share("rate", self.rate(self.step) if callable(self.rate) else self.rate)
        self.step += 1
        if rate == 0:
            return self.model(*inputs, **arguments)  # type: ignore[no-any-return]
        with preserved(self.model, list({parameter.device for parameter in self.parameters()})):
            attribution = self._attributed(copied(inputs), copied(arguments), target)
        dropped = self._dropped(_wide(attribution), rate)
        return self._run_without(dropped, inputs, arguments)

    def _attributed(
        self, inputs: tuple[Any, ...], arguments: dict[str, Any], target: Target | Tensor
    ) -> Tensor:
        """Attribute the label's score to the layer's output, detached."""
        if hasattr(self.attribution, "attribute"):
            return _by_captum(self.attribution, inputs, arguments, target)
        features, score = self._score(inputs, arguments, target)
        gradient = None
        if score.requires_grad:
            (gradient,) = torch.autograd.grad(score, features, torch.ones_like(score), allow_unused=True)
        if gradient is None:
            raise RuntimeError(
                "Expected the score to depend on the output of `layer`, but no gradient flows there: the "
                "layer is of no account, or lies within torch.no_grad() or a reentrant checkpoint "
                "(use_reentrant=False is fine)."
            )
        attribution: Tensor = self.attribution(_wide(features.detach()), _wide(gradient))
        return attribution

    def _score(
        self, inputs: tuple[Any, ...], arguments: dict[str, Any], target: Target | Tensor
    ) -> tuple[Tensor, Tensor]:
        """Run the model with a graph from the layer on; return the layer's output and each label's score."""
        seen: list[Tensor] = []

        def begin_graph(output: Tensor) -> Tensor:
            seen.append(output.detach().requires_grad_())
            torch.set_grad_enabled(True)  # until the end of no_grad below
            return seen[0].clone()  # what follows may change it in place

        with torch.no_grad():
            with self._tap.acting(begin_graph):
                output = self.model(*inputs, **arguments)
            return seen[0], _label_score(output, seen[0], target)

    def _dropped(self, attribution: Tensor, rate: float) -> Tensor:
        saliency = by_unit(attribution, self.unit, self.channel_dim)
        if self.momentum is None:
            return most_salient(saliency, rate)
        now = thresholds(saliency, rate).mean().to(self.threshold)
        first = self.threshold.isnan()
        self.threshold.copy_(torch.where(first, now, torch.lerp(now, self.threshold, self.momentum)))
        return saliency > self.threshold

    def _run_without(self, dropped: Tensor, inputs: tuple[Any, ...], arguments: dict[str, Any]) -> Tensor:
        drop = partial(without, dropped=dropped, rescale=self.rescale)
        torch.clear_autocast_cache()  # of weights that were cast without a graph
        with self._tap.acting(drop):
            output: Tensor = self.model(*inputs, **arguments)
        logits = logits_in(output)
        if logits.requires_grad:
            logits.register_hook(lambda gradient: self._tap.again(drop))
        return output

    def train(self, mode: bool = True) -> "SaliencyGuidedDropout":
        """Set training or eval mode; in eval mode, the layer has no hook."""
        super().train(mode)
        if mode:
            self._tap.attach(self.layer)
        else:
            self._tap.detach()
        return self

    def state_dict(self, *arguments: Any, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        """Return the model's own state, without a prefix."""
        state: dict[str, Any] = self.model.state_dict(*arguments, **options)
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any], *arguments: Any, **options: Any) -> Any:
        """Load a state of the model."""
        return self.model.load_state_dict(state_dict, *arguments, **options)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """Where a module around this one loads its state, give the names below `prefix` to the model."""
        for name in [name for name in state_dict if name.startswith(prefix)]:
            state_dict[f"{prefix}model.{name.removeprefix(prefix)}"] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def _by_captum(
    method: Any, inputs: tuple[Any, ...], arguments: dict[str, Any], target: Target | Tensor
) -> Tensor:
    """Ask a Captum layer attribution."""
    if arguments:
        names = ", ".join(arguments)
        raise TypeError(
            f"Expected positional arguments beside a Captum attribution, but got the keywords {names}."
        )
    options = {"target": target, "additional_forward_args": inputs[1:] or None}
    known = inspect.signature(method.attribute).parameters
    with torch.enable_grad():
        result = method.attribute(inputs[0], **{name: options[name] for name in options if name in known})
    attribution: Tensor = result[0] if isinstance(result, tuple) else result
    return attribution.detach()


def _label_score(output: object, features: Tensor, target: Target | Tensor) -> Tensor:
    """(N,) score of each label: its logit, or the mean logit under soft labels."""
    examples = torch.arange(len(features), device=features.device)
    if not (isinstance(target, Tensor) and target.is_floating_point()):
        query = make_query(nn.Identity(), (features,), target)
        return logit(_wide(query.checked(output, examples)), query.target)
    logits = logits_in(output)
    if logits.shape != target.shape:
        came = f"{tuple(target.shape)} and {tuple(logits.shape)}"
        raise ValueError(f"Expected soft labels of the output's shape, but got {came}.")
    return (_wide(logits) * target).flatten(1).sum(1)


def _wide(values: Tensor) -> Tensor:
    """Float32 at least, so that products of small numbers do not vanish."""
    return values if values.dtype == torch.float64 else values.float()


def _name_of(layer: nn.Module | str, model: nn.Module) -> str:
    for name, module in model.named_modules():
        if layer is module or layer == name:
            return str(name)
    raise ValueError(f"Expected `layer` to be a part of the model, but found no {layer!r} in it.")


def _checked_share(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"Expected `{name}` to be a number, but got {value!r}.")
    if not 0 <= value < 1:
        raise ValueError(f"Expected `{name}` to be in [0, 1), but got {value}.")
    return float(value)
