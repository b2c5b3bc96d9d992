"""Each method by name, against closed forms and against Captum called by hand."""

import copy
from typing import Any

import architectures
import numpy as np
import pytest
import torch
from architectures import Tokens, settled
from captum.attr import GuidedBackprop
from models import Additive, PlantedPatch
from quick import QUICK
from torch import Tensor, nn

from captum_scd import FIDOAttribution, compare, infill
from captum_scd.comparison import DEFAULT_METHODS, METHODS
from captum_scd.comparison.choice import choose_methods
from captum_scd.comparison.methods import DEFAULT_METHODS_OF_TOKENS
from captum_scd.comparison.question import make_question
from captum_scd.passes import counted

NO_METRICS = {"metrics": ["total_variation"]}


def attributions(model, images: Tensor, method, **options) -> Tensor:
    comparison = compare(model, images, methods={"it": method}, **NO_METRICS, **{"target": 0, **options})
    row = comparison.rows["it"]
    assert row.status == "done", row.note
    return row.attributions


def test_default_methods_have_names() -> None:
    assert set(DEFAULT_METHODS) <= set(METHODS)
    assert DEFAULT_METHODS[0] == "fido"
    assert DEFAULT_METHODS[-1] == "random"


def test_a_transformer_is_compared_by_its_attention_and_no_other_network(images: Tensor) -> None:
    transformer = settled(Tokens())
    models = {
        "tokens": transformer,
        "function": lambda x: transformer(x),
        "features": nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ).eval(),
        "neither": nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 8, 5)).eval(),
    }
    found = {kind: list(defaults(model, images[..., :8])) for kind, model in models.items()}
    assert found["tokens"] == found["function"] == list(DEFAULT_METHODS_OF_TOKENS)
    assert found["features"] == found["neither"] == list(DEFAULT_METHODS)
    assert set(DEFAULT_METHODS_OF_TOKENS) - set(DEFAULT_METHODS) == {"attention_relevance"}


def defaults(model: Any, images: Tensor) -> tuple[str, ...]:
    question = make_question(model, images, 0, 0.0, "blur", None, 64, 0)
    return tuple(choice.name for choice in choose_methods(None, question))


def test_both_kinds_of_gradcam_look_for_the_layer_once(images: Tensor) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    question = make_question(model, images, 0, 0.0, "blur", None, 64, 0)
    with counted(model) as passes:
        choose_methods(["gradcam", "guided_gradcam"], question)
    assert passes.forward + passes.backward == len(images)


def test_integrated_gradients_of_a_sum_are_the_distances_from_the_baselines(images: Tensor) -> None:
    found = attributions(Additive().eval(), images, "integrated_gradients")
    torch.testing.assert_close(found, images - infill.blur(images))


def test_occlusion_of_a_sum_is_what_each_window_adds(images: Tensor) -> None:
    found = attributions(Additive().eval(), images, "occlusion", baselines=0.5)
    torch.testing.assert_close(found[:, :1], (images - 0.5).sum(1, keepdim=True), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "window", "stride"), [(224, 32, 16), (28, 4, 2), (5, 1, 1)])
def test_occlusion_scales_its_window_with_the_image(size: int, window: int, stride: int) -> None:
    method = METHODS["occlusion"].build
    question = type(
        "Question", (), {"model": Additive(), "inputs": torch.zeros(2, 1, size, size), "rows": 64}
    )
    options = method(question).options
    assert options["sliding_window_shapes"] == (1, window, window)
    assert options["strides"] == (1, stride, stride)
    assert options["perturbations_per_eval"] == 32


@pytest.mark.parametrize("name", ["saliency", "smoothgrad"])
def test_gradients_of_a_linear_model_are_its_weights(images: Tensor, name: str) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 10, 5)).eval()
    weights = model[1].weight[2].detach().abs().view(1, 3, 12, 10)
    found = attributions(model, images, name, target=2)
    torch.testing.assert_close(found, weights.expand_as(found))


def test_input_times_gradient_of_a_linear_model_adds_up_to_its_output(images: Tensor) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 10, 5, bias=False)).eval()
    found = attributions(model, images, "input_x_gradient", target=2)
    torch.testing.assert_close(found.flatten(1).sum(1), model(images)[:, 2].detach())


def test_gradcam_is_the_weighted_sum_of_the_maps(images: Tensor) -> None:
    model = settled(architectures.resnet())
    maps = model[1](model[0](images))
    scores = model[2:](maps)[:, 3]
    weights = torch.autograd.grad(scores.sum(), maps)[0].mean((2, 3), keepdim=True)
    by_hand = (weights * maps).sum(1, keepdim=True).relu()
    by_hand = nn.functional.interpolate(by_hand, (12, 10), mode="bilinear")
    found = attributions(model, images, "gradcam", target=3)
    assert found.max() > 0
    torch.testing.assert_close(found, by_hand)


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("build", [architectures.vgg, architectures.resnet, architectures.squeezenet])
def test_guided_gradcam_is_the_product_of_both_also_with_relus_in_place(
    images: Tensor, build, frozen: bool
) -> None:
    model = settled(build()).requires_grad_(not frozen)
    plain = copy.deepcopy(model)
    for part in plain.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    cam = attributions(plain, images, "gradcam", target=0)
    guided = GuidedBackprop(plain).attribute(images.clone().requires_grad_(), target=0)
    found = attributions(model, images, "guided_gradcam", target=0)
    assert found.abs().max() > 0
    torch.testing.assert_close(found, (cam * guided).detach())


def test_notes_name_the_layer(images: Tensor) -> None:
    rows = compare(
        settled(architectures.vgg()), images, methods=["gradcam", "guided_gradcam"], **NO_METRICS
    ).rows
    assert rows["gradcam"].note.startswith("layer '0.4', 6 x 6 x 5")
    assert "'0.4'" in rows["guided_gradcam"].note


@pytest.mark.parametrize(
    ("build", "name", "why"),
    [
        (Tokens, "guided_gradcam", "tokens"),
        (architectures.perceptron, "gradcam", "no convolution"),
        (architectures.perceptron, "guided_gradcam", "no convolution"),
        (architectures.squeeze_and_excite, "guided_gradcam", "no torch.nn.ReLU"),
    ],
)
def test_methods_without_a_meaning_are_left_out_with_a_note(
    images: Tensor, build, name: str, why: str
) -> None:
    row = compare(settled(build()), images, methods=[name], **NO_METRICS).rows[name]
    assert row.status == "left out"
    assert why in row.note
    assert row.map is None


def test_a_transformer_is_explained_by_all_the_others(images: Tensor) -> None:
    methods = {name: (name, QUICK) if name == "fido" else name for name in DEFAULT_METHODS}
    rows = compare(settled(Tokens()), images, methods=methods, **NO_METRICS).rows
    left_out = {name for name, row in rows.items() if row.status != "done"}
    assert left_out == {"guided_gradcam"}


def test_fido_gives_its_joint_map_of_the_same_baselines(net, images: Tensor) -> None:
    found = attributions(net, images, ("fido", QUICK), baselines=0.3, seed=4)
    by_hand = FIDOAttribution(net).attribute(images, 0.3, 0, seed=4, **QUICK)
    assert torch.equal(found, by_hand)


def test_random_maps_differ_between_images_and_seeds(net, images: Tensor) -> None:
    first, again, other = (attributions(net, images, "random", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(attributions(net, images[:2], "random"), first[:2])


def test_each_method_finds_a_planted_patch_that_chance_does_not() -> None:
    image = PlantedPatch.region(12, 14).float().expand(2, -1, -1, -1).clone()
    methods = {name: (name, {"mask_size": 12}) if name == "fido" else name for name in METHODS}
    comparison = compare(PlantedPatch().eval(), image, target=0, methods=methods, baselines=0.0)
    chance = comparison.rows["random"].values["difference"]
    done = {name for name, row in comparison.rows.items() if row.status == "done"}
    assert done == set(METHODS) - {"gradcam", "guided_gradcam", "attention_relevance"}
    for name in done - {"random"}:
        assert (comparison.rows[name].values["difference"] > chance + 0.5).all(), name


def test_fido_takes_its_cap_under_captums_name_and_a_seed_of_numpy(net: nn.Module, images: Tensor) -> None:
    capped = attributions(net, images, ("fido", {"perturbations_per_eval": 4, **QUICK}), seed=np.int64(3))
    plain = attributions(net, images, ("fido", QUICK), seed=3, internal_batch_size=4)
    torch.testing.assert_close(capped, plain)
