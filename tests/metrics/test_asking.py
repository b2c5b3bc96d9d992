"""What all metrics that ask the model have in common: the cap, the batch, and what they leave as it was."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import pytest
import torch
from models import Additive, TinyConv, Watched
from planted import random
from torch import Tensor, nn

from captum_scd import metrics

OF_MAPS: dict[str, Callable[..., Tensor]] = {
    "insertion": lambda *args, **options: (
        metrics.insertion_deletion(*args, n_steps=6, **options).insertion_curve
    ),
    "deletion": lambda *args, **options: (
        metrics.insertion_deletion(*args, n_steps=6, **options).deletion_curve
    ),
    "sufficient area": partial(metrics.sufficient_area, n_steps=6),
    "destroying area": partial(metrics.destroying_area, n_steps=6),
    "kept": partial(metrics.probability_kept, areas=(0.1, 0.4)),
    "left": partial(metrics.probability_left, areas=(0.1, 0.4)),
    "infidelity": partial(metrics.infidelity, n_samples=5),
}
MAPS = pytest.mark.parametrize("metric", OF_MAPS.values(), ids=OF_MAPS)
ALL_METRICS = OF_MAPS | {"under": metrics.probability_under}
ALL = pytest.mark.parametrize("metric", ALL_METRICS.values(), ids=ALL_METRICS)


@MAPS
def test_maps_may_have_one_channel_or_the_channels_of_the_input(metric, net, images: Tensor) -> None:
    one = random(3, 1, 12, 10)
    several = torch.cat([0.2 * one, 0.5 * one, 0.3 * one], dim=1)
    if metric is OF_MAPS["infidelity"]:
        several = one.expand_as(images)
    first, second = (metric(net, images, maps, target=1) for maps in (one, several))
    torch.testing.assert_close(first, second)


@ALL
def test_an_example_is_measured_the_same_in_any_batch_and_with_any_cap(metric, net, images: Tensor) -> None:
    def measure(rows: slice, cap: int) -> Tensor:
        factors = torch.tensor([1.0, 2.0, 0.5])[rows]
        return metric(
            lambda x, factor: net(x) * factor[:, None],
            images[rows],
            random(*images.shape)[rows],
            baselines=images.roll(1, 0)[rows],
            target=[0, 3, 1][rows],
            additional_forward_args=factors,
            internal_batch_size=cap,
        )

    whole = measure(slice(None), 64)
    torch.testing.assert_close(torch.cat([measure(slice(i, i + 1), 64) for i in range(3)]), whole)
    torch.testing.assert_close(measure(slice(None), 1), whole)
    torch.testing.assert_close(measure(slice(None), 4), whole)


@ALL
def test_no_forward_pass_has_more_rows_than_the_cap(metric, net, images: Tensor) -> None:
    watched = Watched(net)
    metric(watched, images, random(*images.shape), target=0, internal_batch_size=2)
    assert max(watched.rows) == 2


@ALL
def test_the_cap_is_lowered_where_memory_does_not_suffice(metric, net, images: Tensor) -> None:
    maps = random(*images.shape)
    narrow = metric(Watched(net, most_rows=2), images, maps, target=0)
    torch.testing.assert_close(narrow, metric(net, images, maps, target=0))


class Restless(nn.Module):
    """A network in training mode, with dropout, batch norm and a hook, that may fail in its second call."""

    def __init__(self, fail: bool) -> None:
        super().__init__()
        self.net = Watched(nn.Sequential(TinyConv(), nn.Dropout(0.5)), fail=self._fail if fail else None)
        self.net.model[0].register_forward_hook(lambda *_: None)
        self.train()

    def _fail(self, call: int) -> None:
        if call == 2:
            raise KeyboardInterrupt

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def _state(model: nn.Module) -> list[Any]:
    hooks = [len(part._forward_hooks) for part in model.modules()]
    modes = [part.training for part in model.modules()]
    values = {name: value.clone() for name, value in model.state_dict().items()}
    return [values, hooks, modes, torch.get_rng_state(), torch.is_grad_enabled()]


@ALL
@pytest.mark.parametrize("fail", [False, True], ids=["success", "interrupt"])
def test_model_and_random_state_are_left_as_they_were(metric, images: Tensor, fail: bool) -> None:
    model = Restless(fail)
    before = _state(model)
    with pytest.raises(KeyboardInterrupt) if fail else nullcontext():
        metric(model, images, random(*images.shape), target=0, internal_batch_size=2)
    torch.testing.assert_close(_state(model), before, rtol=0, atol=0)


@ALL
def test_a_model_that_draws_answers_alike_twice(metric, images: Tensor) -> None:
    model, maps = Restless(False), random(*images.shape)
    first, second = (metric(model, images, maps, target=0) for _ in range(2))
    assert torch.equal(first, second)


@ALL
def test_measuring_leaves_no_graph(metric, net, images: Tensor) -> None:
    inputs = images.requires_grad_()
    maps = random(*images.shape).requires_grad_()
    assert not metric(net, inputs, maps, baselines=inputs * 0.5, target=0).requires_grad
    assert inputs.grad is None


@ALL
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_other_precisions_are_measured_alike(metric, net, images: Tensor, dtype: torch.dtype) -> None:
    maps = random(3, 1, 12, 10)
    rounded = images.to(dtype)
    usual = metric(net, rounded.float(), maps, target=0)
    torch.testing.assert_close(
        metric(net.to(dtype), rounded, maps, target=0).float(), usual, rtol=0, atol=0.1
    )


@MAPS
@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (torch.zeros(3, 2, 12, 10), "Expected attributions of shape"),
        (torch.zeros(3, 1, 6, 5), "Expected attributions of shape"),
        (torch.zeros(1, 1, 12, 10), "Expected attributions of shape"),
        (torch.full((3, 1, 12, 10), float("nan")), "Expected finite attributions"),
    ],
    ids=["channels", "size", "batch", "NaN"],
)
def test_maps_that_do_not_fit_are_rejected(metric, net, images: Tensor, maps: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metric(net, images, maps, target=0)


@MAPS
def test_tabular_maps_have_one_value_a_feature(metric) -> None:
    with pytest.raises(ValueError, match=r"Expected attributions of shape \(2, 4\), but got \(2, 1\)"):
        metric(Additive(), torch.ones(2, 4), torch.ones(2, 1), target=0)


@ALL
def test_a_missing_target_is_an_assertion_error(metric, net, images: Tensor) -> None:
    with pytest.raises(AssertionError, match="Expected a `target`"):
        metric(net, images, random(*images.shape))


@ALL
@pytest.mark.parametrize(("cap", "error"), [(0, ValueError), (1.5, TypeError), (None, TypeError)])
def test_a_bad_cap_is_answered_with_its_name(metric, net, images: Tensor, cap, error) -> None:
    with pytest.raises(error, match="Expected `internal_batch_size` to be"):
        metric(net, images, random(*images.shape), target=0, internal_batch_size=cap)


@ALL
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["inputs", "baselines"])
def test_numbers_that_are_not_finite_are_rejected(metric, net, images: Tensor, name: str, value) -> None:
    given = {"inputs": images, "baselines": torch.zeros_like(images)}
    given[name][0, 0, 0, 0] = value
    with pytest.raises(ValueError, match=f"Expected finite `{name}`, but got NaN or infinity"):
        metric(net, given["inputs"], random(*images.shape), baselines=given["baselines"], target=0)


@ALL
def test_a_model_that_answers_nan_is_rejected(metric, net, images: Tensor) -> None:
    with pytest.raises(ValueError, match="Expected finite outputs of the model"):
        metric(lambda x: net(x) * float("nan"), images, random(*images.shape), target=0)


@ALL
@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ((torch.ones(1, 4),), TypeError, "Expected `inputs` to be a tensor, but got tuple"),
        (torch.ones(0, 4), ValueError, "nothing empty, but got"),
        (torch.ones(4), ValueError, "Expected `inputs`"),
    ],
    ids=["tuple", "empty", "no features"],
)
def test_inputs_of_another_form_are_rejected(metric, inputs, error, message: str) -> None:
    with pytest.raises(error, match=message):
        metric(Additive(), inputs, torch.ones(1, 4), target=0)


@ALL
def test_an_interrupted_measurement_can_be_repeated(metric, images: Tensor) -> None:
    maps = random(*images.shape)
    with suppress(KeyboardInterrupt):
        metric(Restless(True), images, maps, target=0)
    assert metric(Restless(False), images, maps, target=0).isfinite().all()
