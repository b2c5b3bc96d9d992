"""Asking the model: targets, arguments, and what must be left as it was."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from models import TinyConv
from quick import explain
from torch import Tensor, nn

from captum_scd._captum import select_targets
from captum_scd.forward import make_query, preserved, target_index
from captum_scd.network import module_of

CPU = torch.device("cpu")
FORMS = [
    (2, [[2]] * 3),
    (torch.tensor(2), [[2]] * 3),
    (torch.tensor([2]), [[2]] * 3),
    (torch.tensor([0, 1, 2]), [[0], [1], [2]]),
    (torch.tensor([0, 1, 2], dtype=torch.int16), [[0], [1], [2]]),
    ([0, 1, 2], [[0], [1], [2]]),
    ((1, 0), [[1, 0]] * 3),
    ([(0, 1), (1, 0), (2, 1)], [[0, 1], [1, 0], [2, 1]]),
    (-1, [[-1]] * 3),
]


@pytest.mark.parametrize(("target", "index"), FORMS, ids=str)
def test_every_form_of_target_becomes_one(target, index) -> None:
    assert target_index(target, 3, CPU).tolist() == index


@pytest.mark.parametrize(("target", "index"), FORMS, ids=str)
def test_targets_pick_what_captum_picks(target, index) -> None:
    width = len(index[0])
    output = torch.randn(3, 4, *(5,) * (width - 1))
    chosen = target_index(target, 3, CPU)
    ours = output[(torch.arange(3), *chosen.unbind(1))]
    captum_form = target.long() if isinstance(target, torch.Tensor) else target
    assert torch.equal(ours, select_targets(output, captum_form).flatten())


@pytest.mark.parametrize(
    "target",
    [[0, 1], torch.tensor([0, 1]), [(0, 1)], "cat", 1.5, [0.5, 1.0, 2.0], torch.tensor([True]), {0: 1}],
    ids=str,
)
def test_other_targets_are_assertion_errors_as_in_captum(target) -> None:
    with pytest.raises(AssertionError):
        target_index(target, 3, CPU)


def _ask(output, target=None) -> Tensor:
    query = make_query(lambda x: output, (torch.zeros(2, 3),), target)
    return query((torch.zeros(2, 3),), torch.arange(2))


@pytest.mark.parametrize(
    ("output", "target", "error", "message"),
    [
        (torch.zeros(2, 4), None, AssertionError, r"a `target` for a model with outputs of shape \(2, 4\)"),
        (torch.zeros(2, 4), (1, 1), AssertionError, r"pick one value per row of an output \(2, 4\)"),
        (torch.zeros(2, 4, 5), 1, AssertionError, "indexes 1 of its 2 dimensions"),
        (torch.zeros(2, 4), 4, IndexError, r"inside an output of shape \(2, 4\), but got \[4\]"),
        (torch.zeros(2, 4), [0, -5], IndexError, r"but got \[-5\]"),
        (torch.zeros(()), None, ValueError, r"one row per example \(2\), but got shape \(\)"),
        (torch.zeros(1, 4), 0, ValueError, "one row per example"),
        (torch.zeros(2, 4).long(), 0, TypeError, "floating-point values, but got torch.int64"),
        ({"scores": torch.zeros(2, 4)}, 0, TypeError, r"but got dict; .*read=lambda out: out\['scores'\]\)"),
        ([torch.zeros(2, 4)], 0, TypeError, r"but got list; .*read=lambda out: out\[0\]\)"),
    ],
)
def test_an_output_that_does_not_fit_is_answered_in_one_sentence(output, target, error, message: str) -> None:
    with pytest.raises(error, match=message):
        _ask(output, target)


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
def test_one_number_a_row_needs_no_target(shape) -> None:
    assert _ask(torch.zeros(shape)).shape == (2,)


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float64, torch.float64)],
)
def test_outputs_are_float32_at_least(dtype: torch.dtype, wide: torch.dtype) -> None:
    assert _ask(torch.zeros(2, 4, dtype=dtype), 0).dtype == wide


def test_arguments_and_targets_follow_the_rows() -> None:
    seen = []

    def model(x: Tensor, *arguments) -> Tensor:
        seen.extend(arguments)
        return torch.zeros(len(x), 4)

    each, scalar, other = torch.tensor([10, 20, 30]), torch.tensor(5), torch.arange(7)
    query = make_query(model, (torch.zeros(3, 2),), [1, 2, 3], (each, scalar, other, "word", None))
    rows = torch.tensor([2, 0, 0, 1])
    query((torch.zeros(4, 2),), rows)
    assert seen[0].tolist() == [30, 10, 10, 20]
    assert torch.equal(seen[1], scalar)
    assert torch.equal(seen[2], other)
    assert seen[3:] == ["word", None]
    assert query.targets(rows).tolist() == [[3], [1], [1], [2]]


def test_the_module_behind_a_forward_function() -> None:
    net = TinyConv()
    assert module_of(net) is net
    assert module_of(net.forward) is net
    assert module_of(lambda x: net(x)) is None


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_random_state_and_training_buffers_are_put_back(error) -> None:
    net = TinyConv().train()
    state, mean = torch.get_rng_state(), net.body[1].running_mean.clone()

    def use() -> None:
        with preserved(net, [CPU], seed=0):
            net(torch.randn(4, 3, 6, 6))
            assert not torch.equal(net.body[1].running_mean, mean)
            if error is not None:
                raise error

    if error is None:
        use()
    else:
        with pytest.raises(error):
            use()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(net.body[1].running_mean, mean)


def test_random_numbers_inside_start_from_the_seed() -> None:
    draws = []
    for _ in range(2):
        torch.rand(1)
        with preserved(nn.Identity(), [CPU], seed=3):
            draws.append(torch.rand(4))
    assert torch.equal(*draws)


class Counting(nn.Module):
    """Writes buffers in eval mode: in place, behind autograd's back, and by putting a new one there."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("largest", torch.full((1,), float("nan")))
        self.register_buffer("replaced", torch.zeros(2))
        self.register_buffer("later", None)
        self.register_buffer("spread", torch.zeros(1).expand(3))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.largest.data.fill_(x.max())
        self.replaced = self.replaced + 1
        self.later = x
        return x


@pytest.mark.parametrize("inference", [False, True])
def test_buffers_are_put_back_in_eval_mode_too(inference: bool) -> None:
    with torch.inference_mode(inference):
        net = Counting().eval()
    before = dict(net._buffers)
    values = {name: buffer.clone() for name, buffer in before.items() if buffer is not None}
    with preserved(net, [CPU]), torch.inference_mode(inference):
        net(torch.ones(2))
        assert net.calls == 1
    assert all(net._buffers[name] is buffer for name, buffer in before.items())
    assert all(torch.allclose(before[name], value, equal_nan=True) for name, value in values.items())


def test_observers_of_a_quantised_network_are_put_back(images: Tensor) -> None:
    net = nn.Sequential(torch.ao.quantization.MinMaxObserver(), TinyConv()).eval()
    explain(net, images)
    assert net[0].min_val.isinf()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_process_does_not_wait_for_its_parents_threads() -> None:
    def explain_in_a_child() -> int:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            with preserved(nn.Identity(), [CPU]):
                os._exit(0)
        return os.waitpid(child, 0)[1]

    with preserved(nn.Identity(), [CPU]), ThreadPoolExecutor(1) as other:
        assert other.submit(explain_in_a_child).result() == 0
