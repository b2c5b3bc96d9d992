"""SGDrop in the training loops people have: half precision, checkpoints, processes, compilers."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import two_processes
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import captum_scd
from captum_scd.regularization import SaliencyGuidedDropout

LABELS = torch.tensor([3, 0, 4])


class Checkpointed(nn.Module):
    """Three parts, the names of some of which are run under gradient checkpointing, together."""

    def __init__(self, together: tuple[str, ...] = (), reentrant: bool = False) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.Dropout(0.2))
        self.layer = nn.Conv2d(6, 6, 3)
        self.last = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(6, 6, 3), nn.Tanh(), nn.Dropout(0.2))
        self.head = nn.Linear(6, 5)
        self.together, self.reentrant = together, reentrant

    def forward(self, x: Tensor) -> Tensor:
        names = [name for name, _ in self.named_children() if name != "head"]
        before = names[: names.index(self.together[0])] if self.together else names
        x = self._through(before, x)
        if self.together:
            x = checkpoint(self._through, self.together, x, use_reentrant=self.reentrant)
        x = self._through([name for name in names if name not in (*before, *self.together)], x)
        return self.head(x.mean((2, 3)))

    def _through(self, names: Any, x: Tensor) -> Tensor:
        for name in names:
            x = self.get_submodule(name)(x)
        return x


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Checkpointed().state_dict()


def _gradients(model: Checkpointed, state: dict[str, Tensor], batches: list[Tensor]) -> list[Tensor]:
    """One backward pass through the calls on all batches."""
    model.load_state_dict(state)
    sgdrop = SaliencyGuidedDropout(model, "layer", 0.3)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        sum(F.cross_entropy(sgdrop(batch, target=LABELS), LABELS) for batch in batches).backward()
    return [parameter.grad for parameter in model.parameters()]


@pytest.mark.parametrize(
    "together",
    [("first",), ("layer",), ("first", "layer"), ("layer", "last"), ("first", "layer", "last")],
    ids="+".join,
)
@pytest.mark.parametrize("calls", [1, 3])
def test_gradient_checkpointing_changes_nothing(
    state: dict[str, Tensor], images: Tensor, together: tuple[str, ...], calls: int
) -> None:
    batches = [images * (1 + call) for call in range(calls)]
    expected = _gradients(Checkpointed(), state, batches)
    got = _gradients(Checkpointed(together), state, batches)
    assert all(map(torch.equal, got, expected))


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
def test_a_reentrant_checkpoint_around_the_layer_is_named(state: dict[str, Tensor], images: Tensor) -> None:
    with pytest.raises(RuntimeError, match="use_reentrant=False is fine"):
        _gradients(Checkpointed(("first", "layer"), reentrant=True), state, [images])


def test_a_reentrant_checkpoint_before_the_layer_is_fine(state: dict[str, Tensor], images: Tensor) -> None:
    images.requires_grad_()
    expected = _gradients(Checkpointed(), state, [images])
    got = _gradients(Checkpointed(("first",), reentrant=True), state, [images])
    assert all(map(torch.equal, got, expected))


def test_the_model_itself_is_not_dropped_from_after_a_checkpointed_step(
    state: dict[str, Tensor], images: Tensor
) -> None:
    model, plain = Checkpointed(("layer",)), Checkpointed()
    _gradients(model, state, [images])
    plain.load_state_dict(state)
    for net in (model, plain):
        net.zero_grad()
        torch.nn.Module.eval(net)
        net(images).sum().backward()
    assert torch.equal(model(images), plain(images))
    for parameter, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(parameter.grad, other.grad)


def test_autocast_trains_every_parameter(images: Tensor) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = two_processes.network()
    sgdrop, grads = SaliencyGuidedDropout(model, "0", 0.2), []
    for enabled in (False, True):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            logits = sgdrop(images, target=LABELS)
        assert logits.dtype == (torch.bfloat16 if enabled else torch.float32)
        F.cross_entropy(logits.float(), LABELS).backward()
        grads.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
    assert torch.cosine_similarity(*grads, dim=0) > 0.9


def test_two_processes_train_as_one(tmp_path: Path, images: Tensor) -> None:
    batch = torch.cat([images, images.flip(3)])
    labels = LABELS.repeat(2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = two_processes.network().state_dict()
    torch.save((batch, labels, state), tmp_path / "batch.pt")
    script = [sys.executable, str(Path(two_processes.__file__))]
    place = {"PYTHONPATH": str(Path(captum_scd.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen([*script, str(rank), str(tmp_path)], env={**os.environ, **place})
        for rank in range(2)
    ]
    expected = two_processes.gradients(two_processes.sgdrop(state), batch, labels)
    assert [process.wait(timeout=600) for process in both] == [0, 0]
    for rank in range(2):
        got, parallel, own = torch.load(tmp_path / f"{rank}.pt")
        for gradient, reference in zip(got, expected, strict=True):
            torch.testing.assert_close(gradient, reference)
        assert set(own) == set(state)
        assert set(parallel) == {f"module.{name}" for name in state}


@pytest.mark.parametrize("outside", [False, True], ids=["the model", "the wrapper"])
def test_compiled_it_trains_the_same(state: dict[str, Tensor], images: Tensor, outside: bool) -> None:
    torch._dynamo.reset()
    model, plain = Checkpointed(), Checkpointed()
    for net in (model, plain):
        net.load_state_dict(state)
    eager = SaliencyGuidedDropout(plain, "layer", 0.3)
    if outside:
        compiled: Any = torch.compile(SaliencyGuidedDropout(model, "layer", 0.3), backend="eager")
    else:
        compiled = SaliencyGuidedDropout(torch.compile(model, backend="eager"), model.layer, 0.3)
    for _ in range(2):
        for sgdrop in (eager, compiled):
            with torch.random.fork_rng():
                torch.manual_seed(1)
                F.cross_entropy(sgdrop.train()(images, target=LABELS), LABELS).backward()
        torch.testing.assert_close(compiled.eval()(images), eager.eval()(images))
    for parameter, other in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad)
    torch._dynamo.reset()


def test_copies_drop_for_themselves(images: Tensor, state: dict[str, Tensor]) -> None:
    model = Checkpointed()
    model.load_state_dict(state)
    sgdrop = SaliencyGuidedDropout(model, "layer", 0.3)
    sgdrop(images, target=LABELS).sum().backward()
    twin = copy.deepcopy(sgdrop)
    assert twin.layer is not sgdrop.layer
    answers = []
    for one in (sgdrop, twin):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            answers.append(one(images, target=LABELS))
    assert torch.equal(*answers)
    sgdrop.eval()
    assert len(twin.layer._forward_hooks) == 1
