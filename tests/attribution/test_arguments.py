"""Baselines, targets, further arguments, feature masks and strategies."""

from dataclasses import replace
from types import FunctionType
from typing import Any

import numpy as np
import pytest
import torch
from models import Additive, PlantedPatch
from quick import explain
from torch import Tensor, nn

from captum_scd import FIDOAttribution, infill
from captum_scd.objective import SCORES, log_odds
from captum_scd.sampling import concrete_dropout


class Scaled(nn.Module):
    """Takes further arguments: a factor for each example, and a word."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, factor: Tensor, word: str | None = None) -> Tensor:
        assert factor.ndim == 0 or len(factor) == len(x)
        assert word in (None, "a word")
        return self.model(x) * factor.view(-1, 1)


@pytest.mark.parametrize(
    "target",
    [
        1,
        torch.tensor(1),
        torch.tensor([1]),
        torch.tensor([1, 1, 1]),
        [1, 1, 1],
        (1,),
        [(1,), (1,), (1,)],
        np.int64(1),
        np.array(1),
        np.array([1, 1, 1]),
        [np.int64(1)] * 3,
        (np.int64(1),),
    ],
    ids=repr,
)
def test_every_form_of_the_same_target_gives_the_same(net: nn.Module, images: Tensor, target) -> None:
    assert torch.equal(explain(net, images, target), explain(net, images, 1))


@pytest.mark.parametrize("target", [[0, 4, 2], torch.tensor([0, 4, 2])], ids=str)
def test_each_example_may_have_a_target_of_its_own(net: nn.Module, images: Tensor, target) -> None:
    alone = [explain(net, images[i : i + 1], int(target[i]), tv_weight=0.0) for i in range(3)]
    torch.testing.assert_close(
        explain(net, images, target, tv_weight=0.0), torch.cat(alone), rtol=0, atol=1e-4
    )


SEQUENCE = (lambda output: torch.stack([output.flip(1), 3 - output, output], dim=1)), (lambda c: (2, c))
MAP = (
    (lambda output: torch.stack([-output, output], dim=2)[..., None].repeat(1, 1, 1, 3)),
    (lambda c: (c, 1, 2)),
)


@pytest.mark.parametrize(
    ("arranged", "at"), [SEQUENCE, MAP], ids=["(N, steps, classes)", "(N, classes, H, W)"]
)
def test_classes_of_outputs_of_more_dimensions_are_compared_at_the_place_of_the_target(
    net: nn.Module, images: Tensor, arranged, at
) -> None:
    model = lambda x: arranged(net(x))  # noqa: E731
    for target in (3, [0, 4, 2]):
        placed = [at(c) for c in target] if isinstance(target, list) else at(target)
        assert torch.equal(explain(model, images, placed), explain(net, images, target))
    for others in ("nearest", [[1, 2], [0], [4, 1]]):
        assert torch.equal(
            explain(model, images, at(3), contrast_target=others),
            explain(net, images, 3, contrast_target=others),
        )
    assert torch.equal(
        explain(model, images, at(3), contrast_target=at(1)), explain(net, images, 3, contrast_target=1)
    )


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)], ids=["(N,)", "(N, 1)"])
def test_one_logit_an_example_needs_no_target(net: nn.Module, images: Tensor, shape) -> None:
    model = lambda x: net(x)[:, 0].reshape(shape)  # noqa: E731
    two_classes = lambda x: net(x)[:, :1] * torch.tensor([1.0, 0.0])  # noqa: E731
    torch.testing.assert_close(
        explain(model, images, None),
        explain(two_classes, images, 0),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "form",
    [
        lambda b: b,
        lambda b: b[:1],
        lambda b: b[:1, :1, :1],
        lambda b: b[0, :1],
        lambda b: (b,),
        lambda b: b.clone().requires_grad_(),
        lambda b: b.double(),
    ],
    ids=[
        "tensor",
        "first dimension 1",
        "rows and channels 1",
        "no first dimension",
        "tuple",
        "on a graph",
        "other dtype",
    ],
)
def test_every_form_of_the_same_baseline_gives_the_same(net: nn.Module, images: Tensor, form) -> None:
    baseline = torch.linspace(-1, 1, 10).expand_as(images)
    assert torch.equal(
        explain(net, images, baselines=form(baseline)), explain(net, images, baselines=baseline)
    )


@pytest.mark.parametrize(
    "value", [0, 0.0, 0.5, (0.5,), torch.tensor(0.5), np.float32(0.5), np.int64(1), np.array(0.5)], ids=repr
)
def test_a_number_is_a_baseline(net: nn.Module, images: Tensor, value) -> None:
    number = float(value[0] if isinstance(value, tuple) else value)
    expected = explain(net, images, baselines=torch.full_like(images, number))
    assert torch.equal(explain(net, images, baselines=value), expected)


def test_a_baseline_wins_over_the_infill_and_is_kept_with_the_masks(net: nn.Module, images: Tensor) -> None:
    _, masks = explain(net, images, baselines=0.5, strategies={"infill": "blur"}, return_masks=True)
    assert torch.equal(masks.infill, torch.full_like(images, 0.5))


@pytest.mark.parametrize("name", list(infill.INFILLS))
def test_the_infill_is_kept_with_the_masks(net: nn.Module, images: Tensor, name: str) -> None:
    attribution, masks = explain(net, images, strategies={"infill": name}, return_masks=True)
    assert masks.infill.shape == images.shape
    assert attribution.isfinite().all()
    assert torch.equal(masks.infill, infill.resolve(name)(images, torch.Generator().manual_seed(0)))


def test_an_infill_of_the_users_own(net: nn.Module, images: Tensor) -> None:
    own = explain(net, images, strategies={"infill": lambda x: torch.full_like(x, 0.5)})
    assert torch.equal(own, explain(net, images, baselines=0.5, strategies={"infill": "blur"}))


def test_baselines_stand_in_place_of_the_first_of_several_infills(net: nn.Module, images: Tensor) -> None:
    grey = lambda x: torch.full_like(x, 0.5)  # noqa: E731
    both, masks = explain(net, images, strategies={"infill": (grey, "mean")}, return_masks=True)
    given, told = explain(
        net, images, baselines=0.5, strategies={"infill": ("blur", "mean")}, return_masks=True
    )
    assert torch.equal(both, given)
    assert torch.equal(masks.infill, torch.full_like(images, 0.5))
    assert told.settings["infill"] == ["given", "mean"]
    assert not torch.equal(both, explain(net, images, strategies={"infill": grey}))


def test_the_order_of_infills_is_that_of_the_steps(net: nn.Module, images: Tensor) -> None:
    one, other = (
        explain(net, images, strategies={"infill": names}) for names in (("blur", "mean"), ("mean", "blur"))
    )
    assert not torch.equal(one, other)


@pytest.mark.parametrize("infill", [(), ("blur", "inpaint")])
def test_several_infills_are_checked_when_named(net: nn.Module, infill) -> None:
    with pytest.raises(ValueError, match="`infill`"):
        FIDOAttribution(net, infill=infill)


def test_additional_arguments_follow_the_batch(net: nn.Module, images: Tensor) -> None:
    factors = torch.tensor([0.5, 1.0, 2.0])
    together = explain(Scaled(net).eval(), images, additional_forward_args=(factors, "a word"))
    for i, factor in enumerate(factors):
        alone = explain(lambda x, f=factor: net(x) * f, images[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-4)


def test_a_lone_additional_argument_needs_no_tuple(net: nn.Module, images: Tensor) -> None:
    scaled, factor = Scaled(net).eval(), torch.tensor(2.0)
    ours = (
        explain(scaled, images, additional_forward_args=form) for form in (factor, (factor,), (factor, None))
    )
    assert len({attribution.sum().item() for attribution in ours}) == 1


def test_superpixels_have_one_value_each(net: nn.Module, images: Tensor) -> None:
    segments = (torch.arange(12)[:, None] // 4 * 2 + torch.arange(10) // 5).view(1, 1, 12, 10)
    attribution, masks = explain(net, images, feature_mask=segments, return_masks=True)
    assert masks.ssr.shape == (3, 1, 12, 10)
    for example in attribution:
        values = [example[:, segments[0, 0] == number].unique() for number in range(6)]
        assert [len(value) for value in values] == [1] * 6
        assert len(torch.cat(values).unique()) > 1


def test_superpixels_may_differ_between_examples(net: nn.Module, images: Tensor) -> None:
    columns = (torch.arange(10) // 5).expand(1, 1, 12, 10)
    rows = (torch.arange(12) // 6)[:, None].expand(1, 1, 12, 10)
    together = explain(net, images, feature_mask=torch.cat([columns, rows, columns]))
    assert len(together[0, 0, 0].unique()) == 2
    assert len(together[1, 0, 0].unique()) == 1
    assert len(together[1, 0, :, 0].unique()) == 2


@pytest.mark.parametrize(
    "form",
    [Tensor.bool, Tensor.int, Tensor.byte, Tensor.char, Tensor.numpy, lambda one: one.numpy() > 0],
    ids=lambda form: form.__name__,
)
def test_every_form_of_the_same_superpixels_gives_the_same(net: nn.Module, images: Tensor, form) -> None:
    halves = (torch.arange(10) // 5).expand(12, 10)
    given = explain(net, images, feature_mask=form(halves))
    assert torch.equal(given, explain(net, images, feature_mask=halves))
    assert torch.equal(given, explain(net, (images,), feature_mask=(form(halves),))[0])


def test_an_input_without_a_feature_mask_keeps_its_grid(net: nn.Module, images: Tensor) -> None:
    table = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    model = lambda x, f: net(x) + f.sum(1, keepdim=True) * torch.arange(5.0)  # noqa: E731
    pairs = torch.arange(6)[None] // 2
    (image, features), masks = explain(
        model, (images, table), feature_mask=(None, pairs), baselines=(0.0, 0.0), return_masks=True
    )
    assert masks[0].ssr_cells.shape == (3, 1, 5, 4)
    assert all(len(example[0].unique()) > 4 for example in image)
    assert torch.equal(features[:, ::2], features[:, 1::2])
    plain = explain(model, (images, table), baselines=(0.0, 0.0))
    neither = explain(model, (images, table), feature_mask=(None, None), baselines=(0.0, 0.0))
    assert all(map(torch.equal, neither, plain))


@pytest.mark.parametrize(
    ("shape", "box"),
    [((1, 1, 1, 10), [5, 0, 10, 12]), ((1, 1, 12, 1), [0, 6, 10, 12]), ((1, 3, 1, 1), [0, 0, 10, 12]),
     ((10,), [5, 0, 10, 12])],
    ids=str,
)  # fmt: skip
def test_masks_of_columns_rows_or_channels_are_as_large_as_the_image(shape, box) -> None:
    count = torch.Size(shape).numel()
    halves = (torch.arange(count) >= count // 2).long().view(shape)
    bright = torch.ones(2, 3, 12, 10) * halves
    model = lambda x: (x * (2 * halves - 1)).mean((1, 2, 3))[:, None] * torch.tensor([9.0, 0.0])  # noqa: E731
    attribution, masks = explain(
        model, bright, baselines=0.0, feature_mask=halves, n_iterations=12, return_masks=True
    )
    assert masks.size == (12, 10)
    assert masks.ssr.shape == (2, shape[1] if len(shape) > 1 else 1, 12, 10)
    assert torch.equal(attribution, masks.joint.expand_as(attribution))
    assert masks.bounding_box().tolist() == [box] * 2


@pytest.mark.parametrize("infill", ["blur", "normal"])
def test_superpixels_do_not_depend_on_those_of_the_neighbours(
    net: nn.Module, images: Tensor, infill: str
) -> None:
    row, column = torch.arange(12)[:, None], torch.arange(10)
    coarse, fine, far = row // 4 * 2 + column // 5, row * 10 + column, 1000 - 7 * (row // 4 * 2 + column // 5)
    segments = torch.stack([coarse, fine, far])[:, None]
    options: dict[str, Any] = {
        "strategies": {"infill": infill}, "n_iterations": 8, "trajectory": 3, "alternatives": 1,
        "n_restarts": 2, "return_masks": True,
    }  # fmt: skip
    targets, factors = [2, 0, 1], torch.tensor([1.0, 2.0, 0.5])
    scaled = Scaled(net).eval()
    _, together = explain(
        scaled, images, target=targets, feature_mask=segments, additional_forward_args=factors,
        contrast_target=[[0], [1, 2], [0]], **options,
    )  # fmt: skip
    for place, contrast in enumerate([[0], [1, 2], [0]]):
        one = slice(place, place + 1)
        _, alone = explain(
            scaled, images[one], target=targets[place], feature_mask=segments[one],
            additional_forward_args=factors[one], contrast_target=[contrast], **options,
        )  # fmt: skip
        assert together[place].settings == alone.settings
        mine, theirs = alone._tensors(), together[place]._tensors()
        assert mine.keys() == theirs.keys()
        for name, values in mine.items():
            torch.testing.assert_close(theirs[name], values, rtol=1e-4, atol=1e-4)


def test_the_superpixel_that_matters_is_found() -> None:
    segments = PlantedPatch.region(10, 12).long()
    bright = torch.full((1, 1, 10, 12), 0.9)
    attribution = explain(PlantedPatch().eval(), bright, feature_mask=segments, baselines=0, n_iterations=20)
    assert attribution[segments == 1].min() > attribution[segments == 0].max()


@pytest.mark.parametrize("score", ["log_odds", "log_prob", "prob", "logit"])
def test_scores_by_name_and_by_function_agree(net: nn.Module, images: Tensor, score: str) -> None:
    from captum_scd.objective import SCORES

    by_name, by_function = (
        explain(net, images, [0, 1, 2], strategies={"score": s}) for s in (score, SCORES[score])
    )
    assert torch.equal(by_name, by_function)


def test_a_score_of_the_users_own_sees_output_and_targets(net: nn.Module, images: Tensor) -> None:
    def score(output: Tensor, target: Tensor) -> Tensor:
        assert output.shape == (len(target), 5)
        return output.gather(1, target).squeeze(1)

    own, logit = (explain(net, images, [0, 1, 2], strategies={"score": s}) for s in (score, "logit"))
    torch.testing.assert_close(own, logit)


EVEN = {"score": replace(SCORES["contrast"], function=log_odds)}
"""Log-odds that count as a contrast does: from where the class is as likely as the rest."""


def test_contrast_is_the_score_of_the_difference(net: nn.Module, images: Tensor) -> None:
    contrast = explain(net, images, [0, 1, 2], contrast_target=[3, 3, 4], strategies={"score": "contrast"})
    implied = explain(net, images, [0, 1, 2], contrast_target=[3, 3, 4])
    assert torch.equal(contrast, implied)
    for i, (a, b) in enumerate([(0, 3), (1, 3), (2, 4)]):
        difference = lambda x, a=a, b=b: net(x)[:, a] - net(x)[:, b]  # noqa: E731
        torch.testing.assert_close(
            explain(difference, images[i : i + 1], None, strategies=EVEN),
            contrast[i : i + 1],
            rtol=0,
            atol=1e-4,
        )


def test_where_the_look_alike_leads_there_is_no_lead_to_explain(net: nn.Module, images: Tensor) -> None:
    last, first = net(images).argmin(1).tolist(), net(images).argmax(1).tolist()
    _, masks = explain(net, images, last, contrast_target=first, return_masks=True)
    for verdict in masks.verdict:
        assert verdict.line == "nothing found: other classes are as likely, so there is no lead to explain"
        assert 0 <= verdict.ssr_keeps <= 1
        assert 0 <= verdict.sdr_leaves <= 1


def test_several_look_alikes_are_a_model_of_their_logits_alone(net: nn.Module, images: Tensor) -> None:
    named = [[3, 4], [0], [4, 0, 3]]
    together, masks = explain(net, images, [0, 1, 2], contrast_target=named, return_masks=True)
    assert masks.settings["contrast_target"] == named
    for i, others in enumerate(named):
        few = lambda x, kept=[i, *others]: net(x)[:, kept]  # noqa: E731
        alone = explain(few, images[i : i + 1], 0, strategies=EVEN)
        torch.testing.assert_close(alone, together[i : i + 1], rtol=0, atol=1e-4)


def test_all_other_classes_as_look_alikes_are_the_log_odds(net: nn.Module, images: Tensor) -> None:
    every = torch.tensor([[1, 2, 3, 4]]).expand(3, -1)
    contrast = explain(net, images, 0, contrast_target=every)
    torch.testing.assert_close(contrast, explain(net, images, 0, strategies=EVEN), rtol=0, atol=1e-4)


def test_the_nearest_are_the_three_likeliest_others(net: nn.Module, images: Tensor) -> None:
    ranked = [
        sorted({*range(5)} - {target}, key=logits.__getitem__, reverse=True)[:3]
        for logits, target in zip(net(images).tolist(), [0, 1, 2], strict=True)
    ]
    nearest, masks = explain(
        net, images, [0, 1, 2], contrast_target="nearest", return_masks=True, internal_batch_size=2
    )
    assert masks.settings["contrast_target"] == ranked
    named = explain(net, images, [0, 1, 2], contrast_target=ranked, internal_batch_size=2)
    assert torch.equal(nearest, named)


def test_a_contrast_leaves_the_graph_and_the_targets_of_the_user_alone(
    net: nn.Module, images: Tensor
) -> None:
    others = torch.tensor([[3, 4], [3, 4], [0, 1]])
    explain(net, images, [0, 1, 2], contrast_target=others)
    assert others.tolist() == [[3, 4], [3, 4], [0, 1]]
    assert all(parameter.grad is None for parameter in net.parameters())


def test_samplers_by_name_and_by_function_agree_and_lie_close_together(
    net: nn.Module, images: Tensor
) -> None:
    original, own, simplified = (
        explain(net, images, strategies={"sampler": sampler})
        for sampler in ("original", concrete_dropout, "simplified")
    )
    assert torch.equal(original, own)
    torch.testing.assert_close(original, simplified, rtol=0, atol=1e-3)


@pytest.mark.parametrize("mask_size", [1, 3, (2, 5), (12, 10), 10_000], ids=str)
def test_mask_size_sets_the_cells(net: nn.Module, images: Tensor, mask_size) -> None:
    _, masks = explain(net, images, mask_size=mask_size, return_masks=True)
    expected = {1: (1, 1), 3: (4, 3), 10_000: (12, 10)}.get(mask_size, mask_size)
    assert masks.ssr_cells.shape == (3, 1, *expected)
    assert masks.ssr.shape == (3, 1, 12, 10)


def test_a_bound_method_and_a_plain_function_are_models(net: nn.Module, images: Tensor) -> None:
    assert torch.equal(explain(net.forward, images), explain(net, images))
    assert torch.equal(explain(lambda x: net(x), images), explain(net, images))


def test_the_feature_that_speaks_for_the_class_is_found() -> None:
    inputs = torch.tensor([[4.0, 0.0, -4.0]])
    attribution = explain(Additive().eval(), inputs, baselines=0.0, n_iterations=20, area_weight=3.0)
    assert attribution[0, 0] > 2 * attribution[0, 1:].max()


def test_a_score_is_read_by_what_it_is_and_not_by_its_name(net: nn.Module, images: Tensor) -> None:
    def own(output: Tensor, target: Tensor) -> Tensor:
        return output.gather(1, target).squeeze(1)

    namesake = FunctionType(own.__code__, own.__globals__, "log_odds")
    namesake.__qualname__ = "log_odds"
    assert torch.equal(
        explain(net, images, 1, strategies={"score": namesake}),
        explain(net, images, 1, strategies={"score": own}),
    )


def test_a_score_may_be_given_by_name_or_as_a_function(net: nn.Module, images: Tensor) -> None:
    assert torch.equal(explain(net, images, 1, strategies={"score": log_odds}), explain(net, images, 1))
