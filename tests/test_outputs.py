"""Probabilities where logits are expected are warned of, and logits are not."""

import warnings
from collections.abc import Callable

import pytest
import torch
from models import TinyConv
from quick import QUICK, explain
from torch import Tensor, nn

from captum_scd import compare, explain_dataset, logits_of, metrics
from captum_scd.outputs import Suspicion


def _wide(x: Tensor) -> Tensor:
    """Twelve numbers per image, around 0."""
    return torch.cat([x.mean(3).flatten(1)[:, :12] * 4], 1)


SUSPECT = {
    "softmax": (lambda x: _wide(x).softmax(1), 'output="probabilities"'),
    "softmax of two": (lambda x: _wide(x)[:, :2].softmax(1), 'output="probabilities"'),
    "softmax module": (nn.Sequential(TinyConv(), nn.Softmax(1)).eval(), 'output="probabilities"'),
    "ensemble": (lambda x: torch.stack([_wide(x), -_wide(x)]).softmax(2).mean(0), 'output="probabilities"'),
    "sigmoid": (lambda x: _wide(x)[:, :3].sigmoid(), 'output="multilabel"'),
    "sigmoid module": (nn.Sequential(TinyConv(), nn.Sigmoid()).eval(), 'output="multilabel"'),
    "sigmoid of unknown make": (lambda x: _wide(x).sigmoid().clamp(1e-6, 1 - 1e-6), 'output="multilabel"'),
}
ALONE = {
    "one sigmoid": lambda x: _wide(x)[:, 0].sigmoid(),
    "one sigmoid in a column": lambda x: _wide(x)[:, :1].sigmoid().view(-1, 1),
}


_ZEROS = torch.zeros(2, 360)


def _lonely(x: Tensor) -> Tensor:
    return nn.functional.linear(x.flatten(1), torch.full((9, x[0].numel()), 1e-4), torch.full((9,), 0.4))


INNOCENT = {
    "three small numbers": lambda x: x.mean((2, 3)).abs().clamp(max=1),
    "one small logit": lambda x: x.mean((1, 2, 3)) * 0 + 0.5 + x.mean((1, 2, 3)) * 1e-3,
    "an untrained head": _lonely,
    "a bias that sums to 1": lambda x: nn.functional.linear(x.flatten(1) * 0, _ZEROS, torch.eye(2)[0]),
    "after a relu": lambda x: (_wide(x) * 0.01).relu(),
    "logits": _wide,
    "softmax that is never run": nn.Sequential(TinyConv()).eval(),
}
INNOCENT["softmax that is never run"].unused = nn.Softmax(1)
INNOCENT["softmax that is never run"].forward = INNOCENT["softmax that is never run"][0].forward


@pytest.mark.parametrize(("model", "advice"), SUSPECT.values(), ids=list(SUSPECT))
def test_probabilities_are_warned_of_once_where_the_model_was_given(
    model, advice: str, images: Tensor
) -> None:
    with pytest.warns(UserWarning, match="logits_of") as caught:
        explain(model, images, alternatives=1)
    (warning,) = caught
    assert advice in str(warning.message)
    assert warning.filename.endswith("quick.py")


@pytest.mark.parametrize("model", ALONE.values(), ids=list(ALONE))
def test_one_probability_is_warned_of(model, images: Tensor) -> None:
    with pytest.warns(UserWarning, match='output="probabilities"') as caught:
        explain(model, images, None)
    assert len(caught) == 1


@pytest.mark.parametrize("model", INNOCENT.values(), ids=list(INNOCENT))
def test_logits_are_not_warned_of(model, images: Tensor) -> None:
    target = None if model(images).ndim == 1 else 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(model, images, target)


@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_who_was_told_does_not_warn(output: str, net: nn.Module, images: Tensor) -> None:
    model = logits_of(lambda x: net(x).softmax(1), output=output)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(model, images)


@pytest.mark.parametrize("score", ["logit", lambda output, target: output[:, 0]], ids=["logit", "own"])
def test_scores_that_need_no_logits_do_not_warn(score, net: nn.Module, images: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(lambda x: net(x).softmax(1), images, 0, {"score": score})


def _masks(model: Callable[..., Tensor], images: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, masks = explain(model, images, return_masks=True)
    metrics.mask_probabilities(model, images, masks, target=0)


PARTS = {
    "compare": lambda model, images, place: compare(model, images, 0, ["random"], ["insertion", "deletion"]),
    "metric": lambda model, images, place: metrics.insertion_deletion(model, images, images.abs(), target=0),
    "masks": lambda model, images, place: _masks(model, images),
    "store": lambda model, images, place: explain_dataset(
        model, [(f"{k}", images[k]) for k in range(3)], place, batch_size=1, show_progress=False, **QUICK
    ),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=list(PARTS))
def test_every_part_that_speaks_of_probabilities_warns_once(part, net, images: Tensor, tmp_path) -> None:
    with pytest.warns(UserWarning, match="sum to 1") as caught:
        part(nn.Sequential(net, nn.Softmax(1)).eval(), images, tmp_path / "s.zarr")
    assert [warning.filename for warning in caught] == [__file__]


def test_infidelity_watches_outputs_of_any_kind(net: nn.Module, images: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics.infidelity(lambda x: net(x).softmax(1), images, images, target=0, n_samples=2)


def test_one_look_is_enough() -> None:
    suspicion = Suspicion(looked=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        suspicion.look(torch.full((2, 4), 0.25), lambda: torch.zeros(2, 4))
