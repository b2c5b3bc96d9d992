"""Bad inputs are answered by one sentence that says what was expected and what came."""

import pytest
import torch
from models import TinyConv
from quick import explain
from torch import Tensor

MODEL = TinyConv().eval()
IMAGE = torch.zeros(2, 3, 8, 8)
NAN, INFINITE = (torch.where(torch.arange(8) == 3, value, IMAGE) for value in (float("nan"), float("inf")))
INPUTS = {
    "integers": (IMAGE.long(), TypeError, "floating-point tensors, but got torch.int64"),
    "booleans": (IMAGE.bool(), TypeError, "floating-point tensors, but got torch.bool"),
    "complex": (IMAGE.cfloat(), TypeError, "floating-point tensors, but got torch.complex64"),
    "empty batch": (IMAGE[:0], ValueError, r"nothing empty, but got \[\(0, 3, 8, 8\)\]"),
    "no pixels": (IMAGE[..., :0], ValueError, "nothing empty"),
    "no dimensions": (torch.tensor(1.0), ValueError, r"of shape \(N, ...\)"),
    "NaN": (NAN, ValueError, "Expected finite `inputs`"),
    "infinite": (INFINITE, ValueError, "Expected finite `inputs`"),
    "two batch sizes": ((IMAGE, IMAGE[:1]), ValueError, "with one N"),
    "a tuple of numbers": ((1.0,), TypeError, "but got float"),
    "empty tuple": ((), ValueError, "Expected `inputs`"),
}


@pytest.mark.parametrize(("inputs", "error", "message"), INPUTS.values(), ids=list(INPUTS))
def test_bad_inputs_are_rejected(inputs, error, message: str) -> None:
    with pytest.raises(error, match=message):
        explain(MODEL, inputs)


@pytest.mark.parametrize("inputs", [None, "image.jpg", 3.0, [IMAGE]], ids=["None", "path", "number", "list"])
def test_anything_but_tensors_is_rejected(inputs) -> None:
    with pytest.raises((TypeError, AssertionError), match="tensor"):
        explain(MODEL, inputs)


OPTIONS = {
    "no target": ({"target": None}, AssertionError, "Expected a `target`"),
    "target too large": ({"target": 5}, IndexError, r"but got \[5\]"),
    "too few targets": ({"target": [0]}, AssertionError, None),
    "target of another kind": ({"target": "cat"}, AssertionError, "Expected `target` to hold integers"),
    "target of too many dimensions": ({"target": (1, 2)}, AssertionError, "pick one value per row"),
    "baseline of another shape": (
        {"baselines": torch.zeros(2, 3, 4, 4)},
        AssertionError,
        r"but got \(2, 3, 4, 4\)",
    ),
    "too many baselines": ({"baselines": (0.0, 0.0)}, AssertionError, "but got float, float"),
    "baseline with NaN": ({"baselines": NAN}, ValueError, "Expected finite `baselines`"),
    "infinite baseline": ({"baselines": float("inf")}, ValueError, "Expected finite `baselines`"),
    "feature mask of floats": (
        {"feature_mask": IMAGE},
        ValueError,
        "Expected `feature_mask` to hold integers",
    ),
    "feature mask of another kind": ({"feature_mask": [[0, 1]]}, TypeError, "arrays, but got list"),
    "feature mask of another shape": ({"feature_mask": torch.zeros(4).long()}, ValueError, "to broadcast"),
    "no contrast": ({"strategies": {"score": "contrast"}}, ValueError, "Expected a `contrast_target`"),
    "contrast out of range": ({"contrast_target": 9}, IndexError, "9"),
    "contrast of another number": ({"contrast_target": [1]}, AssertionError, "one class per example"),
    "look-alikes of another number": ({"contrast_target": [[1, 2]]}, AssertionError, r"\[\[3, 5\], \[7\]\]"),
    "contrast with itself": ({"contrast_target": [1, 0]}, ValueError, "got 0 for both of example 1"),
    "look-alike twice": ({"contrast_target": [[1, 1], [2]]}, ValueError, "of an example once"),
    "unknown word for a contrast": ({"contrast_target": "next"}, AssertionError, "'nearest', but got 'next'"),
    "contrast beside another score": (
        {"contrast_target": 1, "strategies": {"score": "prob"}},
        ValueError,
        "Expected no `contrast_target` beside score 'prob'",
    ),
    "contrast beside an own score": (
        {"contrast_target": 1, "strategies": {"score": lambda output, target: output[:, 0]}},
        ValueError,
        "Expected no `contrast_target`",
    ),
    "infill of another shape": ({"strategies": {"infill": lambda x: x[:1]}}, ValueError, "Expected infill"),
    "unknown option": ({"iterations": 3}, TypeError, "iterations"),
}


@pytest.mark.parametrize(("options", "error", "message"), OPTIONS.values(), ids=list(OPTIONS))
def test_bad_options_are_rejected(options, error, message: str) -> None:
    with pytest.raises(error, match=message):
        explain(MODEL, IMAGE, **options)


def _of_no_use(x: Tensor) -> Tensor:
    return torch.full((len(x), 5), float("nan")) + x.mean()


MODELS = {
    "dictionary": (lambda x: {"scores": MODEL(x)}, TypeError, "logits in a tensor, but got dict"),
    "tuple": (lambda x: (MODEL(x), x), TypeError, "logits in a tensor, but got tuple"),
    "one number for the batch": (lambda x: MODEL(x).sum(), ValueError, "one row per example"),
    "class numbers": (lambda x: MODEL(x).argmax(1), TypeError, "floating-point values"),
    "no gradient": (lambda x: MODEL(x).detach(), RuntimeError, "no gradient reaches it"),
    "NaN": (_of_no_use, ValueError, "finite"),
}


@pytest.mark.parametrize(("model", "error", "message"), MODELS.values(), ids=list(MODELS))
def test_models_of_no_use_are_rejected(model, error, message: str) -> None:
    with pytest.raises(error, match=message):
        explain(model, IMAGE)


@pytest.mark.parametrize("contrast_target", [0, [[0], [0]], "nearest"], ids=str)
def test_a_model_of_one_logit_has_no_look_alikes(contrast_target) -> None:
    with pytest.raises(
        ValueError, match=r"two classes or more for a `contrast_target`, but got outputs \(2,\)"
    ):
        explain(lambda x: MODEL(x)[:, 0], IMAGE, None, contrast_target=contrast_target)
