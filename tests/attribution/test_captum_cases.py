"""Captum's own test cases for FeatureAblation, run on FIDO in its place."""

import copy
from typing import Any

import pytest
import torch
from captum.attr import FeatureAblation, NoiseTunnel
from captum.testing.attr.helpers.test_config import config
from quick import QUICK
from torch import Tensor, nn

from captum_scd import FIDOAttribution

CASES = [case for case in config if FeatureAblation in case["algorithms"]]
PLAIN = [case for case in CASES if not case.get("noise_tunnel")]
TUNNELED = [case for case in CASES if case.get("noise_tunnel")]
OPTIONS = QUICK | {"tv_weight": 0.0}


def _model(case: dict[str, Any]) -> nn.Module:
    return copy.deepcopy(case["model"]).eval()


def _arguments(case: dict[str, Any]) -> dict[str, Any]:
    return case["attribute_args"] | OPTIONS


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _row(value: Any, index: int, count: int) -> Any:
    """What belongs to one example: of a batched tensor, list or tuple of such; all else as it is."""
    if isinstance(value, tuple) and any(isinstance(part, Tensor) for part in value):
        return tuple(_row(part, index, count) for part in value)
    batched = isinstance(value, list | Tensor) and len(value) == count
    return value[index : index + 1] if batched else value


def _hooks(model: nn.Module) -> int:
    return sum(
        len(hooks)
        for part in model.modules()
        for name, hooks in vars(part).items()
        if name.endswith("_hooks") and hooks is not None
    )


def test_captum_still_ships_its_cases() -> None:
    assert len(PLAIN) >= 10
    assert len(TUNNELED) >= 5


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: case["name"])
def test_a_batch_equals_its_examples_one_by_one(case: dict[str, Any]) -> None:
    model, arguments = _model(case), _arguments(case)
    fido = FIDOAttribution(model)
    together = _tuple(fido.attribute(**arguments))
    count = len(together[0])
    assert [a.shape for a in together] == [x.shape for x in _tuple(arguments["inputs"])]
    for i in range(count):
        alone = fido.attribute(**{name: _row(value, i, count) for name, value in arguments.items()})
        for part, whole in zip(_tuple(alone), together, strict=True):
            torch.testing.assert_close(part, whole[i : i + 1], rtol=0, atol=1e-3)
    assert _hooks(model) == 0


@pytest.mark.parametrize("case", TUNNELED, ids=lambda case: case["name"])
def test_a_tunnel_without_noise_equals_the_attribution(case: dict[str, Any]) -> None:
    model, arguments = _model(case), _arguments(case) | {"nt_samples": 2}
    fido = FIDOAttribution(model)
    tunneled = _tuple(NoiseTunnel(fido).attribute(**arguments))
    plain = {name: value for name, value in arguments.items() if not name.startswith(("nt_", "stdevs"))}
    for part, whole in zip(tunneled, _tuple(fido.attribute(**plain)), strict=True):
        torch.testing.assert_close(part, whole, rtol=0, atol=1e-3)
    assert _hooks(model) == 0


def test_no_hook_is_left_after_a_failure() -> None:
    case = PLAIN[0]
    model = _model(case)
    with pytest.raises(IndexError):
        FIDOAttribution(model).attribute(**_arguments(case) | {"target": 99})
    assert _hooks(model) == 0
