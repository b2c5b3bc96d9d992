"""What Captum expects of an attribution class."""

import inspect
import pickle
import warnings

import pytest
import torch
from captum.attr import Attribution, FeatureAblation, PerturbationAttribution
from models import TinyConv, Watched
from quick import QUICK, explain
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks


def test_fido_is_a_perturbation_attribution(net: nn.Module) -> None:
    fido = FIDOAttribution(net)
    assert isinstance(fido, PerturbationAttribution)
    assert isinstance(fido, Attribution)
    assert fido.forward_func is net
    assert fido.get_name() == "FIDO"
    assert fido.multiplies_by_inputs is False
    assert fido.has_convergence_delta() is False
    with pytest.raises(NotImplementedError):
        fido.attribute_future()


def test_the_class_has_a_name_and_a_subclass_its_own() -> None:
    assert FIDOAttribution.get_name() == "FIDO"
    assert type("FinerMasks", (FIDOAttribution,), {}).get_name() == "Finer Masks"


def test_the_first_arguments_are_those_of_feature_ablation_and_the_rest_go_by_keyword() -> None:
    names = list(inspect.signature(FeatureAblation.attribute).parameters)[:7]
    ours = inspect.signature(FIDOAttribution.attribute).parameters
    assert list(ours)[:7] == names
    assert all(ours[name].kind is inspect.Parameter.KEYWORD_ONLY for name in list(ours)[7:])
    assert all(ours[name].default is None for name in names[2:])


def test_the_arguments_of_feature_ablation_come_in_its_order(net: nn.Module, images: Tensor) -> None:
    watched, groups = Watched(net).eval(), torch.arange(3).view(1, 3, 1, 1)
    attribution = FIDOAttribution(watched).attribute(images, 0.0, 1, None, groups, 5, **QUICK)
    assert max(watched.rows) == 5
    named = explain(net, images, 1, baselines=0.0, feature_mask=groups, internal_batch_size=5)
    assert torch.equal(attribution, named)
    assert torch.equal(
        named, explain(net, images, 1, baselines=0.0, feature_mask=groups, perturbations_per_eval=5)
    )


def test_one_cap_has_two_names_but_one_value(net: nn.Module, images: Tensor) -> None:
    with pytest.raises(ValueError, match="Expected either `internal_batch_size` or `perturbations_per_eval`"):
        explain(net, images, internal_batch_size=4, perturbations_per_eval=4)
    with pytest.raises(ValueError, match="Expected `perturbations_per_eval` to be at least 1, but got 0"):
        explain(net, images, perturbations_per_eval=0)


def test_a_tensor_gives_a_tensor_and_a_tuple_a_tuple(net: nn.Module, images: Tensor) -> None:
    plain, wrapped = explain(net, images), explain(net, (images,))
    assert isinstance(plain, Tensor)
    assert isinstance(wrapped, tuple)
    assert len(wrapped) == 1
    assert torch.equal(plain, wrapped[0])


def test_masks_come_along_in_the_form_of_the_inputs(net: nn.Module, images: Tensor) -> None:
    attribution, masks = explain(net, images, return_masks=True)
    _, several = explain(net, (images,), return_masks=True)
    assert isinstance(masks, FIDOMasks)
    assert [type(one) for one in several] == [FIDOMasks]
    assert masks.ssr.shape == masks.sdr.shape == (3, 1, 12, 10)
    assert len(masks) == 3
    assert torch.equal(attribution, masks.joint.expand_as(attribution))


@pytest.mark.parametrize("mode", ["joint", "ssr", "sdr"])
def test_attributions_are_the_mask_asked_for_spread_over_the_channels(
    net: nn.Module, images: Tensor, mode: str
) -> None:
    attribution, masks = explain(net, images, mode=mode, return_masks=True)
    assert torch.equal(attribution, getattr(masks, mode).expand(-1, 3, -1, -1))
    assert attribution.is_contiguous()
    assert attribution.min() >= 0
    assert attribution.max() <= 1
    assert attribution.std() > 0


@pytest.mark.parametrize("context", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_results_are_detached_and_the_same_in_any_mode(net: nn.Module, images: Tensor, context) -> None:
    with context():
        attribution = explain(net, images)
    assert torch.equal(attribution, explain(net, images))
    assert not attribution.requires_grad
    assert not attribution.is_inference()


def test_inputs_made_in_inference_mode_are_taken(net: nn.Module, images: Tensor) -> None:
    with torch.inference_mode():
        made = images * 1
        attribution = explain(net, made, baselines=made * 0)
    assert torch.equal(attribution, explain(net, images, baselines=0.0))


def test_a_model_made_in_inference_mode_is_explained(images: Tensor) -> None:
    with torch.inference_mode():
        model = TinyConv().eval()
    with pytest.raises(RuntimeError, match="Expected a model that can be differentiated"):
        explain(model, images)


def test_nothing_of_a_run_stays_on_the_instance(net: nn.Module, images: Tensor) -> None:
    fido = FIDOAttribution(net, infill="mean")
    before = dict(vars(fido))
    fido.attribute(images, target=0, **QUICK)
    assert vars(fido) == before


def test_an_instance_pickles(net: nn.Module, images: Tensor) -> None:
    fido = FIDOAttribution(net, infill="shuffle", sampler="original", score="log_prob")
    copy = pickle.loads(pickle.dumps(fido))
    assert torch.equal(copy.attribute(images, target=1, **QUICK), fido.attribute(images, target=1, **QUICK))


@pytest.mark.parametrize("option", ["infill", "sampler", "score"])
def test_an_unknown_strategy_is_rejected_by_the_constructor(net: nn.Module, option: str) -> None:
    with pytest.raises(ValueError, match=f"Expected `{option}` to be one of"):
        FIDOAttribution(net, **{option: "unheard of"})


def test_something_that_cannot_be_called_is_no_model() -> None:
    with pytest.raises(TypeError, match="Expected `forward_func` to be callable, but got str"):
        FIDOAttribution("resnet50")


def test_a_model_in_training_mode_is_warned_of_once_where_it_was_called(images: Tensor) -> None:
    fido = FIDOAttribution(TinyConv().train())
    with pytest.warns(UserWarning, match="training mode") as caught:
        fido.attribute(images, target=0, **QUICK)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_model_in_eval_mode_is_not_warned_of(net: nn.Module, images: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(net, images)


@pytest.mark.parametrize("alternatives", [0, 2])
def test_the_progress_bar_names_the_method_and_reaches_the_end(
    net, images: Tensor, capsys, alternatives: int
) -> None:
    explain(net, images, n_iterations=8, alternatives=alternatives, show_progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "FIDO attribution" in err
    assert "100%" in err.rstrip().splitlines()[-1]
    assert "101%" not in err


def test_without_progress_nothing_is_printed(net: nn.Module, images: Tensor, capsys) -> None:
    explain(net, images, show_progress=False)
    assert capsys.readouterr() == ("", "")
