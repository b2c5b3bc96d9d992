"""What belongs to the user is bit-identical before and after, whatever happens in between."""

from contextlib import nullcontext, suppress
from typing import Any

import pytest
import torch
from models import TinyConv, Watched
from quick import explain
from torch import Tensor, nn


class Nervous(nn.Module):
    """A network with dropout, batch norm, hooks, gradients and a frozen layer, that may fail in a call."""

    def __init__(self, failure: BaseException | None, call: int) -> None:
        super().__init__()
        self.net = Watched(nn.Sequential(TinyConv(), nn.Dropout(0.5)), fail=self._fail)
        self.failure, self.call = failure, call
        self.hooked = 0
        conv = self.net.model[0]
        conv.head.weight.requires_grad_(False)
        conv.body[0].weight.grad = torch.ones_like(conv.body[0].weight)
        conv.register_forward_hook(lambda *_: None)
        conv.head.register_full_backward_hook(lambda *_: None)

    def _fail(self, call: int) -> None:
        if self.failure is not None and call == self.call:
            raise self.failure

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def _state(model: nn.Module, inputs: Tensor) -> dict[str, Any]:
    return {
        "parameters": {name: (p.detach().clone(), p.requires_grad) for name, p in model.named_parameters()},
        "gradients": {
            name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()
        },
        "buffers": {name: buffer.clone() for name, buffer in model.named_buffers()},
        "modes": [part.training for part in model.modules()],
        "hooks": [
            [
                len(hooks)
                for name, hooks in sorted(vars(part).items())
                if name.endswith("_hooks") and hooks is not None
            ]
            for part in model.modules()
        ],
        "inputs": inputs.detach().clone(),
        "input gradient": inputs.grad,
        "random state": torch.get_rng_state(),
        "flags": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype()),
    }


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, tuple):
        return all(map(_same, first, second))
    return first == second


@pytest.mark.filterwarnings("ignore:The model is in training mode")
@pytest.mark.parametrize("mode", ["eval", "train", "partly"])
@pytest.mark.parametrize(
    ("failure", "call"),
    [(None, 0), (ValueError("broken"), 1), (ValueError("broken"), 3), (KeyboardInterrupt(), 2)],
    ids=["success", "first call", "third call", "interrupt"],
)
def test_the_model_is_left_as_it_was(images: Tensor, mode: str, failure, call: int) -> None:
    model = Nervous(failure, call).train(mode == "train")
    if mode == "partly":
        model.net.model[0].body.train()
    inputs = images.requires_grad_()
    before = _state(model, inputs)
    with pytest.raises(type(failure)) if failure is not None else nullcontext():
        explain(model, inputs, n_iterations=4, internal_batch_size=6)
    after = _state(model, inputs)
    assert {name for name in before if not _same(before[name], after[name])} == set()


@pytest.mark.parametrize("failure", [None, KeyboardInterrupt()], ids=["success", "interrupt"])
def test_arguments_are_left_as_they_were(images: Tensor, failure) -> None:
    model = Nervous(failure, 2).eval()
    baselines, factors = torch.rand_like(images).requires_grad_(), torch.rand(3)
    segments = torch.arange(120).view(1, 1, 12, 10) // 10
    arguments = baselines, factors, segments, images
    before = [tensor.detach().clone() for tensor in arguments]
    with suppress(KeyboardInterrupt):
        explain(
            lambda x, f: model(x) * f[:, None],
            images,
            baselines=baselines,
            additional_forward_args=factors,
            feature_mask=segments,
        )
    assert all(map(torch.equal, before, arguments))
    assert baselines.grad is None


def test_a_graph_of_the_users_own_stays_whole(net: nn.Module, images: Tensor) -> None:
    leaf = images.clone().requires_grad_()
    loss = net(leaf).sum()
    explain(net, leaf * 2)
    loss.backward()
    assert leaf.grad.isfinite().all()


def test_results_are_not_tied_to_the_inputs(net: nn.Module, images: Tensor) -> None:
    inputs = images.clone()
    attribution, masks = explain(net, inputs, baselines=inputs, return_masks=True)
    first, infill = attribution.clone(), masks.infill.clone()
    inputs.zero_()
    assert torch.equal(masks.infill, infill)
    attribution.zero_()
    assert torch.equal(masks.joint.expand_as(first), first)


def test_repeated_runs_leave_no_tensors_behind(net: nn.Module, images: Tensor) -> None:
    import gc

    def alive() -> int:
        gc.collect()
        return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())

    explain(net, images)
    before = alive()
    for _ in range(3):
        explain(net, images)
    assert alive() <= before
