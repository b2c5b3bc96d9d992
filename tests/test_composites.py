"""Altered copies run through the model a capped number of rows at a time."""

import pytest
import torch
from models import TinyConv, Watched
from torch import Generator, Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from captum_scd.composites import Composites, blend, whole_outputs
from captum_scd.forward import make_query
from captum_scd.grid import make_grid
from captum_scd.objective import log_odds

COUNT = 11


def _composites(model: nn.Module, inputs: Tensor, rows: int) -> Composites:
    query = make_query(model, (inputs,), [0, 1, 2])

    def score(output: Tensor, examples: Tensor) -> Tensor:
        return log_odds(output, query.targets(examples))

    return Composites((inputs,), (torch.zeros_like(inputs),), query, score, make_grid((inputs,), 3), rows)


def _gradient(model: nn.Module, inputs: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    composites = _composites(model, inputs, rows)
    keep = torch.rand(COUNT, composites.grid.count, generator=Generator().manual_seed(0))
    weights = torch.linspace(1, 2, COUNT)
    return composites.gradient(keep, torch.arange(COUNT) % 3, lambda scores, at: scores * weights[at])


def test_blending_keeps_the_input_under_one_and_the_infill_under_zero() -> None:
    mask = torch.tensor([1.0, 0.0, 0.25])
    assert blend(mask, torch.full((3,), 4.0), torch.full((3,), 8.0)).tolist() == [4, 8, 7]


def test_blending_has_the_dtype_of_the_inputs() -> None:
    half = torch.ones(2, 3, dtype=torch.bfloat16)
    assert blend(torch.rand(2, 3), half, half).dtype == torch.bfloat16


def test_gradients_are_those_of_finite_differences(images: Tensor) -> None:
    net = TinyConv().double().eval()
    composites = _composites(net, images.double(), rows=2)
    examples = torch.tensor([0, 2, 1])
    keep = torch.rand(3, composites.grid.count, generator=Generator().manual_seed(0), dtype=torch.float64)

    def summed(values: Tensor) -> float:
        masks = composites.grid.expand(values, examples)
        return composites.scores(masks, examples).pow(2).sum().item()

    gradient, scores = composites.gradient(keep, examples, lambda s, at: s.pow(2))
    assert scores.pow(2).sum().item() == pytest.approx(summed(keep))
    for row, cell in [(0, 0), (1, 4), (2, 8)]:
        step = torch.zeros_like(keep)
        step[row, cell] = 1e-5
        expected = (summed(keep + step) - summed(keep - step)) / 2e-5
        assert gradient[row, cell].item() == pytest.approx(expected, rel=1e-5)


class _WeightGradients(TorchDispatchMode):
    """Notes for every backward pass of a convolution whether it was asked for the gradient of the weight."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[bool] = []

    def __torch_dispatch__(self, operator, types, arguments=(), options=None):
        if operator is torch.ops.aten.convolution_backward.default:
            self.asked.append(arguments[-1][1])
        return operator(*arguments, **(options or {}))


def test_no_gradient_of_a_weight_is_computed(net: nn.Module, images: Tensor) -> None:
    assert all(parameter.requires_grad for parameter in net.parameters())
    with _WeightGradients() as plain:
        net(images).sum().backward()
    net.zero_grad()
    with _WeightGradients() as ours:
        _gradient(net, images, rows=64)
    assert all(plain.asked)
    assert len(ours.asked) == len(plain.asked)
    assert not any(ours.asked)


@pytest.mark.parametrize("cap", [1, 3, 7, 100])
def test_a_cap_bounds_the_rows_and_leaves_the_result(net: nn.Module, images: Tensor, cap: int) -> None:
    watched = Watched(net)
    torch.testing.assert_close(_gradient(watched, images, cap), _gradient(net, images, COUNT))
    assert max(watched.rows) == min(cap, COUNT)
    assert sum(watched.rows) == COUNT


@pytest.mark.parametrize("fits", [1, 2, 5])
def test_running_out_of_memory_halves_the_cap_and_goes_on(net: nn.Module, images: Tensor, fits: int) -> None:
    watched = Watched(net, most_rows=fits)
    torch.testing.assert_close(_gradient(watched, images, COUNT), _gradient(net, images, COUNT))
    assert sum(watched.rows) == COUNT


def test_a_halved_cap_stays(net: nn.Module, images: Tensor) -> None:
    composites = _composites(Watched(net, most_rows=2), images, rows=8)
    composites.gradient(
        torch.rand(8, composites.grid.count), torch.zeros(8).long(), lambda scores, at: scores
    )
    assert composites.rows <= 2


@pytest.mark.parametrize("cap", [1, 8])
def test_one_row_too_many_for_memory_is_reported(net: nn.Module, images: Tensor, cap: int) -> None:
    with pytest.raises(torch.cuda.OutOfMemoryError):
        _gradient(Watched(net, most_rows=0), images, cap)


def test_other_runtime_errors_are_not_swallowed(images: Tensor) -> None:
    def fail(call: int) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    watched = Watched(TinyConv(), fail=fail)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        _gradient(watched, images, 4)
    assert len(watched.rows) == 1


@pytest.mark.parametrize(
    "cut", [torch.no_grad()(lambda x: x.sum((1, 2, 3))), lambda x: x.detach().sum((1, 2, 3)) + 0]
)
def test_a_model_without_gradient_is_explained(images: Tensor, cut) -> None:
    model = lambda x: torch.stack([cut(x)] * 3, dim=1)  # noqa: E731
    with pytest.raises(
        RuntimeError, match="to depend differentiably on its input, but no gradient reaches it"
    ):
        _gradient(model, images, 4)


@pytest.mark.parametrize(("rows", "most"), [(64, None), (2, None), (64, 1), (3, 2)])
def test_whole_outputs_are_those_of_the_examples_however_little_memory_there_is(
    images: Tensor, rows: int, most: int | None
) -> None:
    net = TinyConv().eval()
    watched = Watched(net, most_rows=most)
    query = make_query(watched, (images,), 0)
    pieces = whole_outputs(query, (images,), rows, lambda output, examples: (output, examples))
    outputs, examples = (torch.cat(part) for part in zip(*pieces, strict=True))
    assert examples.tolist() == [0, 1, 2]
    torch.testing.assert_close(outputs, net(images))
    assert not outputs.requires_grad
    assert max(watched.rows) == min(rows, most or 3, 3)
