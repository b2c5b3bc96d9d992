"""What SGDrop drops: networks whose answer is known by hand, and identities with the plain model."""

import copy
from typing import Any

import pytest
import torch
from captum.attr import LayerActivation, LayerGradCam, LayerGradientXActivation
from models import TinyConv
from torch import Tensor, nn
from torch.nn import functional as F

from captum_scd.regularization import SaliencyGuidedDropout

LABELS = torch.tensor([3, 0, 4])


class Linear(nn.Module):
    """A map of 2 x 3 x 4 numbers, shown as it is by `layer`, and a linear score for each of 5 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()
        self.head = nn.Linear(24, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x).flatten(1))


@pytest.fixture
def linear() -> Linear:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Linear().double()


@pytest.fixture
def maps() -> Tensor:
    return torch.randn(3, 2, 3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def _left(model: SaliencyGuidedDropout, *inputs: Any, **options: Any) -> Tensor:
    """What the layers after the dropping see."""
    seen: list[Tensor] = []
    handle = model.model.head.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    model(*inputs, **options)
    handle.remove()
    return seen[-1].detach()


def _step(model: nn.Module, images: Tensor, **options: Any) -> tuple[Tensor, list[Tensor], Tensor]:
    """Logits, gradients, and the random number that comes next."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        logits = model(images, **options)
        F.cross_entropy(logits, LABELS).backward()
        return logits.detach(), [p.grad.clone() for p in model.parameters()], torch.rand(1)


def _net() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return nn.Sequential(nn.Dropout(0.3), TinyConv(), nn.Dropout(0.3))


@pytest.mark.parametrize("rate", [0.0, lambda step: 0])
def test_rate_0_is_the_plain_model_bit_for_bit(images: Tensor, rate: Any) -> None:
    plain, wrapped = _net(), _net()
    expected = _step(plain, images)
    got = _step(SaliencyGuidedDropout(wrapped, wrapped[1].body, rate), images)
    assert torch.equal(got[0], expected[0])
    assert all(map(torch.equal, got[1], expected[1]))
    assert all(map(torch.equal, wrapped.buffers(), plain.buffers()))


def test_eval_mode_is_the_plain_model_and_needs_no_target(net: nn.Module, images: Tensor) -> None:
    model = SaliencyGuidedDropout(net, net.body, 0.5).eval()
    assert torch.equal(model(images), net(images))
    assert torch.equal(model(images, target=LABELS), net(images))
    assert model.step == 0


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5, 0.9])
def test_the_features_that_add_most_to_the_labels_logit_are_dropped(
    linear: Linear, maps: Tensor, rate: float
) -> None:
    model = SaliencyGuidedDropout(linear, "layer", rate)
    for row, label, left in zip(maps.flatten(1), LABELS, _left(model, maps, target=LABELS), strict=True):
        worst = (linear.head.weight[label] * row).argsort(descending=True)[: int(rate * 24)]
        expected = row.clone()
        expected[worst] = 0
        assert torch.equal(left, expected)


@pytest.mark.parametrize(("unit", "dims", "count"), [("channel", (2, 3), 1), ("position", (1,), 6)])
def test_whole_channels_or_positions_are_dropped(
    linear: Linear, maps: Tensor, unit: str, dims: tuple[int, ...], count: int
) -> None:
    left = _left(SaliencyGuidedDropout(linear, "layer", 0.5, unit=unit), maps, target=LABELS)
    weights = linear.head.weight[LABELS].view_as(maps)
    sums = (weights * maps).sum(dims, keepdim=True)
    limit = sums.flatten(1).topk(count).values[:, -1].view(3, 1, 1, 1)
    assert torch.equal(left.view_as(maps), torch.where(sums >= limit, 0, maps))


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5])
def test_a_flat_attribution_drops_exactly_the_rate(
    linear: Linear, maps: Tensor, value: float, rate: float
) -> None:
    model = SaliencyGuidedDropout(
        linear, "layer", rate, attribution=lambda features, gradient: torch.full_like(features, value)
    )
    zeros = (_left(model, maps, target=LABELS) == 0).sum(1)
    assert zeros.tolist() == [int(rate * 24)] * 3


def test_an_example_does_not_depend_on_the_others(linear: Linear, maps: Tensor) -> None:
    model = SaliencyGuidedDropout(linear, "layer", 0.3)
    together = model(maps, target=LABELS)
    alone = [model(maps[i : i + 1], target=LABELS[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))


def test_the_mask_is_not_differentiated(images: Tensor) -> None:
    net = _net()
    got = _step(SaliencyGuidedDropout(net, net[1].body, 0.3), images, target=LABELS)
    fixed, left = _net(), []
    net[1].head.register_forward_pre_hook(lambda _, arguments: left.append(arguments[0] != 0))
    _step(SaliencyGuidedDropout(net, net[1].body, 0.3), images, target=LABELS)
    fixed[1].head.register_forward_pre_hook(lambda _, arguments: arguments[0] * left[-1])
    fixed_step = _step(fixed, images)
    torch.testing.assert_close(got[0], fixed_step[0])
    for gradient, expected in zip(got[1], fixed_step[1], strict=True):
        torch.testing.assert_close(gradient, expected)


def test_statistics_and_random_numbers_move_as_in_one_plain_step(images: Tensor) -> None:
    plain, wrapped = _net(), _net()
    expected = _step(plain, images)
    got = _step(SaliencyGuidedDropout(wrapped, wrapped[1].body, 0.3), images, target=LABELS)
    assert torch.equal(got[2], expected[2])
    assert all(map(torch.equal, wrapped.buffers(), plain.buffers()))
    assert not torch.equal(got[0], expected[0])


def test_a_call_alone_leaves_gradients_alone(images: Tensor) -> None:
    net = _net()
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    SaliencyGuidedDropout(net, net[1].body, 0.3)(images, target=LABELS)
    assert all(torch.equal(parameter.grad, torch.ones_like(parameter)) for parameter in net.parameters())


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_exception_nothing_of_the_attribution_is_left(images: Tensor, error) -> None:
    net = _net()
    model = SaliencyGuidedDropout(net, net[1].body, 0.3)
    before = [buffer.clone() for buffer in net.buffers()]
    state = torch.get_rng_state()

    def fail(*_: object) -> None:
        raise error

    handle = net[2].register_forward_hook(fail)
    with pytest.raises(error):
        model(images, target=LABELS)
    handle.remove()
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(map(torch.equal, net.buffers(), before))
    assert torch.equal(_step(net, images)[0], _step(_net(), images)[0])


def test_layers_that_work_in_place_may_follow(maps: Tensor, linear: Linear) -> None:
    model = copy.deepcopy(linear)
    model.layer = nn.Sequential(nn.Identity(), nn.ReLU(inplace=True))
    left = _left(SaliencyGuidedDropout(model, model.layer[0], 0.25), maps.clone(), target=LABELS)
    rectified = F.relu(maps).flatten(1)
    weights = linear.head.weight[LABELS]
    limit = (weights * rectified).topk(6).values[:, -1:]
    dropped = (weights * rectified >= limit) & (rectified > 0)
    assert torch.equal(left, torch.where(dropped, 0, rectified))


def test_tokens(images: Tensor) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
    model = nn.Sequential(block, nn.AdaptiveAvgPool2d((1, 5)), nn.Flatten())
    sgdrop = SaliencyGuidedDropout(model, block, 0.4, unit="position", channel_dim=-1)
    seen: list[Tensor] = []
    model[1].register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    sgdrop(images.flatten(1).view(3, 45, 8), target=LABELS).sum().backward()
    assert (seen[-1] == 0).all(2).sum(1).tolist() == [18, 18, 18]
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_captums_gradient_x_activation_is_the_default(linear: Linear, maps: Tensor) -> None:
    method = LayerGradientXActivation(linear, linear.layer)
    expected = SaliencyGuidedDropout(copy.deepcopy(linear), "layer", 0.3)(maps, target=LABELS)
    got = SaliencyGuidedDropout(linear, "layer", 0.3, attribution=method)(maps, target=LABELS)
    assert torch.equal(got, expected)


def test_an_attribution_of_places_drops_whole_places(linear: Linear, maps: Tensor) -> None:
    method = LayerGradCam(linear, linear.layer)
    left = _left(SaliencyGuidedDropout(linear, "layer", 0.5, attribution=method), maps, target=LABELS)
    dropped = (left.view_as(maps) == 0).all(1).flatten(1)
    assert dropped.sum(1).tolist() == [6, 6, 6]
    cam = method.attribute(maps, LABELS).flatten(1)
    assert (cam.where(dropped, torch.inf).amin(1) >= cam.where(~dropped, -torch.inf).amax(1)).all()


def test_captum_gets_further_inputs_and_statistics_are_kept(images: Tensor) -> None:
    class Shifted(TinyConv):
        def forward(self, x: Tensor, shift: Tensor) -> Tensor:
            return super().forward(x + shift)

    net = Shifted()
    model = SaliencyGuidedDropout(net, net.body, 0.3, attribution=LayerActivation(net, net.body))
    model(images, torch.ones_like(images), target=LABELS)
    assert net.body[1].num_batches_tracked == 1
    with pytest.raises(TypeError, match="keywords shift"):
        model(images, shift=torch.ones_like(images), target=LABELS)


@pytest.mark.parametrize(
    "target", [2, [3, 0, 4], LABELS, [(3,), (0,), (4,)]], ids=["one", "list", "tensor", "tuples"]
)
def test_every_form_of_target_is_its_soft_label(linear: Linear, maps: Tensor, target: Any) -> None:
    labels = torch.full((3,), 2) if isinstance(target, int) else LABELS
    soft = F.one_hot(labels, 5).double()
    model = SaliencyGuidedDropout(linear, "layer", 0.3)
    assert torch.equal(model(maps, target=target), model(maps, target=soft))


def test_soft_labels_mix_the_attributions(linear: Linear, maps: Tensor) -> None:
    soft = torch.rand((3, 5), generator=torch.Generator().manual_seed(0)).double()
    left = _left(SaliencyGuidedDropout(linear, "layer", 0.25), maps, target=soft)
    mixed = (soft @ linear.head.weight) * maps.flatten(1)
    assert torch.equal(left == 0, mixed >= mixed.topk(6).values[:, -1:])


def test_a_schedule_is_asked_for_each_step(linear: Linear, maps: Tensor) -> None:
    model = SaliencyGuidedDropout(linear, "layer", lambda step: min(0.5, step / 4))
    dropped = [int((_left(model, maps, target=LABELS) == 0).sum()) for _ in range(4)]
    assert dropped == [0, 18, 36, 36]
    model.step = 1
    assert int((_left(model, maps, target=LABELS) == 0).sum()) == 18


def test_the_threshold_is_a_moving_average(linear: Linear, maps: Tensor) -> None:
    model = SaliencyGuidedDropout(linear, "layer", 0.25, momentum=0.8)
    weights, expected = linear.head.weight[LABELS], None
    for scale in (1.0, 3.0, 0.5):
        added = weights * (scale * maps).flatten(1)
        now = added.sort(descending=True).values[:, 6].clamp(min=0).mean()
        expected = now if expected is None else 0.8 * expected + 0.2 * now
        left = _left(model, scale * maps, target=LABELS)
        assert torch.equal(left == 0, added > expected)
    torch.testing.assert_close(model.threshold.double(), expected.detach())


def test_with_a_moving_threshold_nothing_salient_means_nothing_dropped(linear: Linear, maps: Tensor) -> None:
    model = SaliencyGuidedDropout(linear, "layer", 0.5, momentum=0.9)
    zero = torch.zeros_like(maps)
    assert torch.equal(model(zero, target=LABELS), linear(zero))
    harmful = -linear.head.weight[LABELS].view_as(maps)
    assert torch.equal(model(harmful, target=LABELS), linear(harmful))


def test_rescaling_divides_by_what_is_left(linear: Linear, maps: Tensor) -> None:
    plain = _left(SaliencyGuidedDropout(linear, "layer", 0.25), maps, target=LABELS)
    scaled = _left(
        SaliencyGuidedDropout(copy.deepcopy(linear), "layer", 0.25, rescale=True), maps, target=LABELS
    )
    torch.testing.assert_close(scaled, plain / 0.75)


def test_the_whole_network_runs_once_more_and_the_head_without_a_graph(images: Tensor) -> None:
    net = TinyConv()
    graphs: dict[str, list[bool]] = {"before": [], "after": []}
    net.body[0].register_forward_hook(lambda _, __, output: graphs["before"].append(output.requires_grad))
    net.head.register_forward_hook(lambda _, __, output: graphs["after"].append(output.requires_grad))
    SaliencyGuidedDropout(net, net.body)(images, target=LABELS)
    assert graphs == {"before": [False, True], "after": [True, True]}
