"""Numbers are checked once, in one sentence each; through `attribute`, so that names are the user's."""

import json
import math

import pytest
import torch
from models import Additive
from quick import explain

MODEL = Additive().eval()
INPUTS = torch.ones(1, 4)


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("mode", "both", ValueError),
        ("n_iterations", 0, ValueError),
        ("n_iterations", 2.0, TypeError),
        ("n_iterations", True, TypeError),
        ("n_samples", 0, ValueError),
        ("n_samples", "2", TypeError),
        ("temperature", 0.0, ValueError),
        ("temperature", -1.0, ValueError),
        ("temperature", math.nan, ValueError),
        ("temperature", math.inf, ValueError),
        ("temperature", "low", TypeError),
        ("learning_rate", 0, ValueError),
        ("learning_rate", math.inf, ValueError),
        ("area_weight", -1.0, ValueError),
        ("area_weight", math.nan, ValueError),
        ("tv_weight", -1.0, ValueError),
        ("tv_weight", "smooth", TypeError),
        ("tolerance", -0.1, ValueError),
        ("internal_batch_size", 0, ValueError),
        ("internal_batch_size", 1.5, TypeError),
        ("seed", -1, ValueError),
        ("seed", 1.5, TypeError),
        ("trajectory", -1, ValueError),
        ("trajectory", True, TypeError),
    ],
)
def test_a_number_out_of_range_is_answered_with_its_name(name: str, value, error) -> None:
    with pytest.raises(error, match=f"Expected `{name}` to be .*, but got"):
        explain(MODEL, INPUTS, **{name: value})


@pytest.mark.parametrize("mask_size", [0, "8", (4, 0)])
def test_a_bad_mask_size_is_answered_with_its_name(mask_size) -> None:
    with pytest.raises(ValueError, match="Expected `mask_size`"):
        explain(MODEL, torch.ones(1, 3, 8, 8), mask_size=mask_size)


def test_settings_are_kept_with_the_masks_as_json_can_hold_them() -> None:
    asked = {"n_iterations": 2, "temperature": 0.7, "area_weight": 3.0, "seed": 5}
    _, masks = explain(MODEL, INPUTS, strategies={"infill": "mean"}, return_masks=True, **asked)
    assert {name: masks.settings[name] for name in asked} == asked
    assert masks.settings["infill"] == "mean"
    assert json.loads(json.dumps(dict(masks.settings))).keys() == masks.settings.keys()
