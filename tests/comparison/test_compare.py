"""Side by side means: the same question for all, and no method that fails stops the others."""

import warnings

import pytest
import torch
from captum.attr import DeepLift, IntegratedGradients, LayerConductance, NoiseTunnel, Occlusion, Saliency
from models import TinyConv, Watched
from quick import QUICK
from torch import Tensor, nn

from captum_scd import FIDOAttribution, compare, infill, metrics
from captum_scd.comparison import DEFAULT_METHODS
from captum_scd.comparison.calls import Call
from captum_scd.comparison.measures import DRAWS
from captum_scd.comparison.question import make_question

QUICKLY = {name: (name, QUICK) if name == "fido" else name for name in DEFAULT_METHODS}
OF_CAPTUM = ["sensitivity", "sensitivity_floor", "infidelity"]
CHEAP = {"metrics": ["total_variation"]}


def ones(inputs: Tensor) -> Tensor:
    return torch.ones_like(inputs)


def ramp(inputs: Tensor) -> Tensor:
    return torch.arange(inputs[0].numel()).view(1, *inputs.shape[1:]).expand_as(inputs).float()


def broken(inputs: Tensor) -> Tensor:
    raise ArithmeticError("nothing\n  fits")


def nowhere(inputs: Tensor) -> Tensor:
    return torch.full_like(inputs, float("nan"))


@pytest.fixture
def relu_net() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        layers = nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        return nn.Sequential(*layers, nn.Linear(24, 5)).eval()


def test_all_defaults_are_done_and_measured(relu_net, images: Tensor) -> None:
    comparison = compare(relu_net, images, methods=QUICKLY)
    assert list(comparison.rows) == list(DEFAULT_METHODS)
    for row in comparison.rows.values():
        assert row.status == "done", row.note
        assert row.map.shape == (3, 1, 12, 10)
        assert row.attributions.shape in ((3, 3, 12, 10), (3, 1, 12, 10))
        assert set(row.values) == set(comparison.measures)
        assert all(values.shape == (3,) and values.isfinite().all() for values in row.values.values())
        assert row.cost.seconds > 0


def test_values_are_those_of_the_metrics_called_by_hand(relu_net, images: Tensor) -> None:
    row = compare(relu_net, images, target=[1, 2, 3], methods=["saliency"], baselines=0.2).rows["saliency"]
    by_hand = Saliency(relu_net).attribute(images.clone().requires_grad_(), target=[1, 2, 3])
    asked = (relu_net, images, by_hand, 0.2, [1, 2, 3])
    torch.testing.assert_close(row.values["insertion"], metrics.insertion_deletion(*asked).insertion)
    torch.testing.assert_close(row.values["sufficient_area"], metrics.sufficient_area(*asked))
    torch.testing.assert_close(row.values["destroying_area"], metrics.destroying_area(*asked))


def test_everybody_gets_the_same_question(net, images: Tensor) -> None:
    seen = []

    def method(inputs, target, baselines, additional_forward_args, internal_batch_size, seed):
        seen.append((inputs, baselines, target, seed))
        assert internal_batch_size == 7
        return inputs

    def metric(model, inputs, attributions, baselines, target):
        assert model is net
        seen.append((inputs, baselines, target, 5))
        return torch.zeros(len(inputs))

    compare(net, images, methods=[method], metrics=[metric], internal_batch_size=7, seed=5)
    predicted = net(images).argmax(1)
    for inputs, baselines, target, seed in seen:
        assert torch.equal(inputs, images)
        assert torch.equal(baselines, infill.blur(images))
        assert torch.equal(target, predicted)
        assert seed == 5
    assert len(seen) == 2


def test_no_method_can_spoil_the_question_for_the_next(net, images: Tensor) -> None:
    def vandal(inputs, baselines, target):
        for tensor in (inputs, baselines, target):
            tensor.zero_()
        return torch.ones_like(inputs)

    spoiled = compare(net, images, methods=[vandal, "integrated_gradients"], **CHEAP)
    alone = compare(net, images, methods=["integrated_gradients"], **CHEAP)
    assert torch.equal(*(one.maps["integrated_gradients"] for one in (spoiled, alone)))


@pytest.mark.parametrize("target", [2, [2, 2, 2], (2,), torch.tensor(2), torch.tensor([2, 2, 2])])
def test_targets_come_in_any_of_captums_forms(relu_net, images: Tensor, target) -> None:
    methods = ["saliency", "gradcam", "occlusion"]
    comparison = compare(relu_net, images, target, methods, **CHEAP)
    expected = compare(relu_net, images, [2, 2, 2], methods, **CHEAP)
    assert comparison.target.tolist() == [2, 2, 2]
    assert all(torch.equal(comparison.maps[name], expected.maps[name]) for name in methods)


def test_a_model_with_one_output_needs_no_target(images: Tensor) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(360, 1)).eval()
    comparison = compare(model, images, methods=["saliency", "occlusion"])
    assert comparison.target is None
    assert [row.status for row in comparison.rows.values()] == ["done", "done"]


def test_outputs_of_more_dimensions_take_tuples(images: Tensor) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(360, 6), nn.Unflatten(1, (2, 3))).eval()
    comparison = compare(model, images, [(0, 1), (1, 2), (0, 0)], ["saliency", "smoothgrad"], **CHEAP)
    assert comparison.target == [(0, 1), (1, 2), (0, 0)]
    weights = model[1].weight.abs()
    torch.testing.assert_close(comparison.attributions["saliency"][1].flatten(), weights[5].detach())


def test_additional_arguments_reach_methods_and_metrics(net, images: Tensor) -> None:
    sixth = []

    class Scaled(nn.Module):
        def forward(self, x, factor, switch):
            assert switch == "on"
            return net(x) * factor[:, None]

    def metric(model, inputs, attributions, baselines, target, more):
        sixth.append(more)
        return torch.zeros(3)

    arguments = (torch.tensor([1.0, 0.0, 2.0]), "on")

    def of_the_map(model, inputs, attributions, baselines, target):
        return attributions.amax((1, 2, 3))

    measures = ["insertion", metric, of_the_map]
    comparison = compare(
        Scaled().eval(), images, 1, ["saliency"], measures, additional_forward_args=arguments
    )
    assert comparison.rows["saliency"].attributions[1].max() == 0
    assert sixth[0] is arguments
    assert set(comparison.rows["saliency"].values) == {"insertion", "metric", "of_the_map"}


def test_any_captum_instance_takes_part_with_its_arguments(relu_net, images: Tensor) -> None:
    methods = [
        IntegratedGradients(relu_net),
        (Occlusion(relu_net), {"sliding_window_shapes": (3, 4, 4), "strides": (3, 4, 4)}),
        (NoiseTunnel(IntegratedGradients(relu_net)), {"nt_samples": 2, "stdevs": 0.1, "n_steps": 5}),
        DeepLift(nn.Sequential(*relu_net)),
        LayerConductance(relu_net, relu_net[0]),
        (FIDOAttribution(relu_net), {**QUICK, "return_masks": True}),
    ]
    comparison = compare(relu_net, images, 1, methods, **CHEAP)
    names = ["Integrated Gradients", "Occlusion", "Noise Tunnel", "Deep Lift", "Layer Conductance", "FIDO"]
    assert list(comparison.rows) == names
    assert [row.note for row in comparison.rows.values() if row.status != "done"] == []
    by_hand = IntegratedGradients(relu_net).attribute(images, infill.blur(images), 1).detach()
    torch.testing.assert_close(comparison.attributions["Integrated Gradients"], by_hand)
    assert comparison.rows["Layer Conductance"].note == "interpolated from 10 x 8"
    blocks = comparison.attributions["Occlusion"][0, 0, :4, :4]
    assert (blocks == blocks[0, 0]).all()


def test_own_arguments_win_over_what_is_offered(net, images: Tensor) -> None:
    seen = {}

    def method(inputs, **keywords):
        seen.update(keywords)
        return inputs

    compare(net, images, 1, [(method, {"baselines": "mine", "extra": 3})], **CHEAP)
    assert seen["baselines"] == "mine"
    assert seen["extra"] == 3
    assert seen["target"].tolist() == [1, 1, 1]


def test_one_method_failing_is_a_row_that_says_why(net, images: Tensor) -> None:
    comparison = compare(net, images, methods=[broken, nowhere, "saliency"])
    rows = comparison.rows
    assert [row.status for row in rows.values()] == ["failed", "failed", "done"]
    assert rows["broken"].note == "ArithmeticError: nothing fits"
    assert "NaN or infinity in 3 of 3" in rows["nowhere"].note
    assert rows["broken"].cost is None
    assert set(comparison.maps) == {"saliency"}


def test_a_network_that_runs_out_of_memory_fails_in_its_row_only(net, images: Tensor) -> None:
    comparison = compare(Watched(net, most_rows=3).eval(), images, methods=["occlusion", "saliency"], **CHEAP)
    assert comparison.rows["occlusion"].status == "failed"
    assert "out of memory" in comparison.rows["occlusion"].note
    assert comparison.rows["saliency"].status == "done"


def test_a_flat_map_is_measured_and_said_to_be_flat(net, images: Tensor) -> None:
    row = compare(net, images, methods=[ones]).rows["ones"]
    assert row.status == "done"
    assert "flat on 3 of 3 images" in row.note
    assert row.values["total_variation"].tolist() == [0, 0, 0]
    assert row.values["difference"].isfinite().all()


def test_a_metric_that_fails_is_missing_and_named(net, images: Tensor) -> None:
    def twice(model, inputs, attributions, baselines, target):
        return torch.zeros(len(inputs), 2)

    def never(model, inputs, attributions, baselines, target):
        raise ArithmeticError("no")

    row = compare(net, images, methods=[ramp], metrics=[twice, never, "insertion"]).rows["ramp"]
    assert list(row.values) == ["insertion"]
    assert "no twice: ValueError: Expected a metric to return 3 values, but got shape (3, 2)" in row.note
    assert "no never: ArithmeticError: no" in row.note


@pytest.mark.parametrize("order", [1, -1], ids=["same order", "other order"])
def test_the_same_seed_gives_the_same_wherever_a_method_stands(relu_net, images: Tensor, order: int) -> None:
    names = ["smoothgrad", "random", "fido"]
    first = compare(relu_net, images, methods={name: QUICKLY[name] for name in names})
    torch.rand(3)
    again = compare(relu_net, images, methods={name: QUICKLY[name] for name in names[::order]})
    for name in names:
        assert torch.equal(first.maps[name], again.maps[name])
        for metric, values in first.rows[name].values.items():
            assert torch.equal(values, again.rows[name].values[metric])


def test_another_seed_gives_other_maps(relu_net, images: Tensor) -> None:
    first, other = (compare(relu_net, images, methods=["smoothgrad"], seed=seed, **CHEAP) for seed in (0, 1))
    assert not torch.equal(first.maps["smoothgrad"], other.maps["smoothgrad"])


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode])
def test_gradients_are_switched_on_where_the_caller_has_them_off(relu_net, images: Tensor, guard) -> None:
    methods = ["fido", "integrated_gradients", "guided_gradcam", "smoothgrad"]
    with guard():
        inputs = images.clone()
        comparison = compare(relu_net, inputs, methods={name: QUICKLY[name] for name in methods}, **CHEAP)
    assert [row.note for row in comparison.rows.values() if row.status != "done"] == []
    assert not any(values.requires_grad or values.is_inference() for values in comparison.maps.values())


def test_a_plain_function_is_compared_without_what_needs_a_module(relu_net, images: Tensor) -> None:
    comparison = compare(lambda x: relu_net(x), images, methods=["saliency", "gradcam"], **CHEAP)
    assert comparison.rows["saliency"].status == "done"
    assert comparison.rows["saliency"].cost.backward is None
    assert comparison.rows["gradcam"].note.startswith("TypeError: Expected the model to be a torch.nn.Module")


def test_an_instance_of_another_model_is_pointed_out(relu_net, net, images: Tensor) -> None:
    rows = compare(relu_net, images, methods=[Saliency(net), "saliency"], **CHEAP).rows
    assert rows["Saliency"].note == "it never asked the model"
    assert rows["saliency"].note == ""


def test_what_is_done_is_kept_when_interrupted(net, images: Tensor) -> None:
    def impatient(inputs):
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Interrupted: 1 of 3 methods") as caught:
        comparison = compare(net, images, methods=["saliency", impatient, "random"], **CHEAP)
    assert [row.status for row in comparison.rows.values()] == ["done", "interrupted", "interrupted"]
    assert comparison.interrupted
    assert [warning.filename for warning in caught] == [__file__]


def test_an_interruption_with_nothing_done_goes_on_its_way(net, images: Tensor) -> None:
    def impatient(inputs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(net, images, methods=[impatient, "random"], **CHEAP)


def test_progress_counts_methods_on_standard_error(net, images: Tensor, capsys) -> None:
    compare(net, images, methods=["saliency", broken, "random"], show_progress=True, **CHEAP)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Comparison" in err
    assert "3/3" in err


def test_without_progress_nothing_is_printed_or_warned_of(relu_net, images: Tensor, capsys) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(relu_net, images, methods=QUICKLY, **CHEAP)
    assert capsys.readouterr() == ("", "")


def test_a_model_in_training_mode_is_warned_of_once_where_it_was_called(images: Tensor) -> None:
    with pytest.warns(UserWarning, match="training mode") as caught:
        compare(TinyConv().train(), images, methods={"fido": QUICKLY["fido"]}, **CHEAP)
    assert [warning.filename for warning in caught] == [__file__]


def test_sensitivity_asks_each_method_again(relu_net, images: Tensor) -> None:
    rows = compare(relu_net, images, 1, ["saliency", ones], OF_CAPTUM, seed=3).rows

    def again(inputs: Tensor) -> Tensor:
        return Saliency(relu_net).attribute(inputs.clone().requires_grad_(), target=1).sum(1, keepdim=True)

    by_hand = metrics.sensitivity(again, images, n_samples=DRAWS, seed=3).value
    assert by_hand.max() > 0
    torch.testing.assert_close(rows["saliency"].values["sensitivity"], by_hand)
    for row in rows.values():
        assert row.values["sensitivity_floor"].tolist() == [0, 0, 0]
    assert rows["ones"].values["sensitivity"].tolist() == [0, 0, 0]
    asked = (relu_net, images, again(images), infill.blur(images), 1)
    torch.testing.assert_close(rows["saliency"].values["infidelity"], metrics.infidelity(*asked, seed=3))


def test_fido_keeps_the_cap_and_captums_own_methods_take_at_least_all_images(net: nn.Module) -> None:
    images, rows = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0)), []
    net.register_forward_pre_hook(lambda module, inputs: rows.append(len(inputs[0])))
    fido = ("fido", {"n_iterations": 2, "mask_size": 4, "n_restarts": 1})
    compare(net, images, 0, [fido], ["total_variation"], internal_batch_size=2)
    whole, *passes = rows
    assert whole == 6
    assert max(passes) <= 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = compare(net, images, 0, ["integrated_gradients"], ["total_variation"], internal_batch_size=2)
    assert done.rows["integrated_gradients"].status == "done"


@pytest.mark.parametrize(
    ("method", "cap"),
    [(FIDOAttribution, 2), (lambda net: NoiseTunnel(FIDOAttribution(net)), 2), (IntegratedGradients, 6)],
    ids=["fido", "fido in a tunnel", "captum's"],
)
def test_the_cap_is_raised_for_captums_own_methods_alone(net: nn.Module, method, cap: int) -> None:
    question = make_question(net, torch.rand(6, 3, 8, 8), 0, None, "blur", None, 2, 0)
    assert Call(method(net)).keywords(question)["internal_batch_size"] == cap
