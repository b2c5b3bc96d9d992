"""Altered copies run through the model a capped number of rows at a time."""

import pytest
import torch
from models import TinyConv, Watched
from planted import random
from torch import Generator, Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from captum_scd.composites import Composites, blend, whole_outputs
from captum_scd.forward import make_query
from captum_scd.grid import Grid, make_grid
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


def _linear(weights: Tensor, grid: Grid, rows: int) -> Composites:
    """Three examples of four features; the score of an example is its number times that of a linear model."""
    inputs, infills = random(3, 4), random(3, 4, seed=1)
    query = make_query(lambda x: x @ weights, (inputs,), None)
    score = lambda output, examples: (examples + 1) * output  # noqa: E731
    return Composites((inputs,), (infills,), query, score, grid, rows)


def test_gradients_of_a_linear_model_are_what_each_cell_changes_times_the_slope_of_the_loss() -> None:
    weights, slopes = random(4, seed=2) - 0.5, torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0])
    composites = _linear(weights, make_grid((torch.zeros(3, 4),)), rows=2)
    keep, examples = random(5, 4, seed=3), torch.tensor([2, 0, 1, 2, 0])
    gradient, scores = composites.gradient(keep, examples, lambda s, at: slopes[at] * s + 7)
    (inputs,), (infills,) = composites.inputs, composites.infills
    changes = (examples + 1)[:, None] * weights * (inputs - infills)[examples]
    torch.testing.assert_close(gradient, slopes[:, None] * changes)
    rows = keep * inputs[examples] + (1 - keep) * infills[examples]
    torch.testing.assert_close(scores, (examples + 1) * (rows @ weights))
    assert not scores.requires_grad


def test_gradients_of_groups_are_sums_over_the_features_of_their_example() -> None:
    numbers, examples = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 1], [1, 0, 0, 0]]), torch.tensor([2, 1, 0, 2])
    grouped = _linear(torch.ones(4), make_grid((torch.zeros(3, 4),), feature_mask=(numbers,)), rows=3)
    single = _linear(torch.ones(4), make_grid((torch.zeros(3, 4),)), rows=3)
    loss = lambda scores, at: scores  # noqa: E731
    gradient, _ = grouped.gradient(random(4, 2), examples, loss)
    parts, _ = single.gradient(random(4, 4), examples, loss)
    expected = torch.zeros(4, 2).scatter_add(1, numbers[examples], parts)
    torch.testing.assert_close(gradient, expected)


def test_each_input_has_a_mask_of_its_own() -> None:
    composites = _linear(torch.ones(4), make_grid((torch.zeros(3, 4),)), rows=3)
    for masks in ((), (torch.ones(3, 4),) * 2):
        with pytest.raises(ValueError, match="argument"):
            composites.scores(masks, torch.arange(3))


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


@pytest.mark.parametrize(("fits", "halved"), [(1, 1), (2, 2), (3, 2), (5, 4)])
def test_a_halved_cap_stays(net: nn.Module, images: Tensor, fits: int, halved: int) -> None:
    composites = _composites(Watched(net, most_rows=fits), images, rows=8)
    composites.gradient(
        torch.rand(8, composites.grid.count), torch.zeros(8).long(), lambda scores, at: scores
    )
    assert composites.rows == halved


def test_no_accelerators_cache_is_touched_where_there_is_none(net, images: Tensor, monkeypatch) -> None:
    emptied: list[None] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(None))
    _gradient(Watched(net, most_rows=2), images, COUNT)
    assert emptied == []


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
    "cut",
    [
        torch.no_grad()(lambda x: x.sum((1, 2, 3))),
        lambda x: x.detach().sum((1, 2, 3)) + 0,
        lambda x: x.detach().sum((1, 2, 3)) * torch.ones(1, requires_grad=True),
    ],
    ids=["no graph", "detached", "a graph of weights alone"],
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
