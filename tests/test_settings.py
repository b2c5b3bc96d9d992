"""Numbers are checked once, in one sentence each; through `attribute`, so that names are the user's."""

import inspect
import json
import math

import numpy as np
import pytest
import torch
from models import Additive, TinyConv
from quick import explain

from captum_scd import FIDOAttribution, FIDOMasks
from captum_scd.settings import DEFAULTS, NAMES, Settings

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
        ("learning_rate", -0.1, ValueError),
        ("learning_rate", math.inf, ValueError),
        ("area_weight", -1.0, ValueError),
        ("area_weight", math.nan, ValueError),
        ("tv_weight", -1.0, ValueError),
        ("tv_weight", "smooth", TypeError),
        ("n_restarts", 0, ValueError),
        ("n_restarts", 1.0, TypeError),
        ("alternatives", -1, ValueError),
        ("alternatives", True, TypeError),
        ("internal_batch_size", 0, ValueError),
        ("internal_batch_size", 1.5, TypeError),
        ("seed", -1, ValueError),
        ("seed", 1.5, TypeError),
        ("trajectory", -1, ValueError),
        ("trajectory", True, TypeError),
        ("n_iterations", np.float64(2), TypeError),
        ("n_iterations", np.bool_(True), TypeError),
        ("n_iterations", np.array([2]), TypeError),
        ("seed", torch.tensor(True), TypeError),
        ("seed", torch.tensor([1]), TypeError),
        ("temperature", np.float32("nan"), ValueError),
    ],
)
def test_a_number_out_of_range_is_answered_with_its_name(name: str, value, error) -> None:
    with pytest.raises(error, match=f"Expected `{name}` to be .*, but got"):
        explain(MODEL, INPUTS, **{name: value})


@pytest.mark.parametrize("whole", [np.int64, np.uint8, np.array, torch.tensor])
def test_numbers_of_numpy_and_tensors_are_plain_numbers(whole) -> None:
    counts = (
        "n_iterations",
        "n_samples",
        "n_restarts",
        "alternatives",
        "internal_batch_size",
        "seed",
        "trajectory",
    )
    weights = ("temperature", "learning_rate", "area_weight", "tv_weight")
    half = {np.array: np.array, torch.tensor: torch.tensor}.get(whole, np.float32)(0.5)
    given = {
        **dict.fromkeys(counts, whole(2)),
        **dict.fromkeys(weights, half),
        "mask_size": (whole(3), whole(2)),
    }
    settings = Settings(**given)
    plain = {**dict.fromkeys(counts, 2), **dict.fromkeys(weights, 0.5), "mask_size": (3, 2)}
    assert settings == Settings(**plain)
    assert json.loads(json.dumps(settings.record())) == {**settings.record(), "mask_size": [3, 2]}
    assert type(Settings(mask_size=whole(4)).mask_size) is int
    assert torch.equal(explain(MODEL, INPUTS, **given), explain(MODEL, INPUTS, **plain))


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


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"target": 1}, {"score": "log_odds", "target": [1, 1], "contrast_target": None, "infill": "blur"}),
        ({"target": [1, 0], "baselines": 0.0}, {"target": [1, 0], "infill": "given"}),
        ({"target": [(1,), (0,)], "contrast_target": [0, -1]}, {
            "score": "contrast", "target": [1, 0], "contrast_target": [[0], [1]],
        }),
        ({"target": 1, "contrast_target": "nearest"}, {"score": "contrast", "contrast_target": [[0], [0]]}),
    ],
    ids=str,
)  # fmt: skip
def test_the_question_is_kept_as_it_was_asked_and_survives_a_file(options, told, tmp_path) -> None:
    _, masks = explain(MODEL, torch.ones(2, 4), return_masks=True, **options)
    masks.save(tmp_path / "masks.npz")
    for kept in (masks, FIDOMasks.load(tmp_path / "masks.npz")):
        assert {name: kept.settings[name] for name in told} == told


def test_what_was_kept_asks_the_same_question_again() -> None:
    model, images = TinyConv().eval(), torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    first, masks = explain(model, images, [0, 3], contrast_target="nearest", return_masks=True)
    question = {name: masks.settings[name] for name in ("target", "contrast_target")}
    assert torch.equal(first, explain(model, images, **question))


def test_the_question_of_some_examples_is_theirs_alone() -> None:
    inputs = torch.ones(3, 4)
    _, masks = explain(MODEL, inputs, [1, 0, 1], contrast_target=[[0], [1], [0]], return_masks=True)
    kept = [
        (one.settings["target"], one.settings["contrast_target"]) for one in (masks[1], masks[1:], masks[-1])
    ]
    assert kept == [([0], [[1]]), ([0, 1], [[1], [0]]), ([1], [[0]])]
    assert masks[1].settings["n_iterations"] == masks.settings["n_iterations"]


def test_attribute_has_the_settings_by_name_with_their_defaults() -> None:
    parameters = inspect.signature(FIDOAttribution.attribute).parameters
    assert {name: parameters[name].default for name in NAMES} == DEFAULTS.record()
    others = {"return_masks", "show_progress", "contrast_target"}
    keywords = {name for name, one in parameters.items() if one.kind is one.KEYWORD_ONLY}
    assert keywords == {*NAMES, *others}
