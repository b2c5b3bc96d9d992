"""Each mistake is one clear error before any work, and says what to do."""

import pytest
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Occlusion, Saliency
from models import Watched
from torch import Tensor

from captum_scd import compare, metrics


def ones(inputs: Tensor) -> Tensor:
    return torch.ones_like(inputs)


def never(inputs: Tensor) -> Tensor:
    raise AssertionError("no method should run before all arguments are checked")


@pytest.mark.parametrize(
    ("methods", "error", "message"),
    [
        ([never, "gradcan"], ValueError, "Expected a method to be one of 'fido', .*, but got 'gradcan'"),
        ([never, 7], TypeError, "Expected a method to be a name, an attribution instance.*, but got 7"),
        ([never, Saliency], TypeError, "an attribution instance of Captum.*, but got <class"),
        ([never, ("fido", 3)], TypeError, r"but got \('fido', 3\)"),
        (("fido", {"n_iterations": 3}), TypeError, r"but got \{'n_iterations': 3\}"),
        (["fido", "saliency", "fido"], ValueError, "'fido' comes twice; give a mapping"),
        ([], ValueError, "Expected `methods` to hold at least one, but it is empty"),
        ({}, ValueError, "it is empty"),
        (3, TypeError, "Expected `methods` to be a sequence or a mapping, but got 3"),
        ({1: "fido"}, TypeError, r"Expected the names in `methods` to be strings, but got \[1\]"),
        ([never, ("fido", {"steps": 3})], TypeError, "that 'fido' takes .*n_iterations.*, but got 'steps'"),
        ([(ones, {"more": 3})], TypeError, r"that 'ones' takes \(\), but got 'more'"),
    ],
)  # fmt: skip
def test_methods_that_are_none(net, images: Tensor, methods, error, message: str) -> None:
    with pytest.raises(error, match=message):
        compare(net, images, methods=methods)


def test_options_of_instances_are_checked(net, images: Tensor) -> None:
    with pytest.raises(TypeError, match=r"that 'Integrated Gradients' takes .* but got 'steps'"):
        compare(net, images, methods=[never, (IntegratedGradients(net), {"steps": 3})])
    with pytest.raises(TypeError, match="Expected a value for 'sliding_window_shapes' of 'Occlusion'"):
        compare(net, images, methods=[never, Occlusion(net)])
    with pytest.raises(TypeError, match="Expected a value for 'sliding_window_shapes' of 'Noise Tunnel'"):
        compare(net, images, methods=[never, NoiseTunnel(Occlusion(net))])
    with pytest.raises(TypeError, match=r"that 'Noise Tunnel' takes .* but got 'baseline'"):
        compare(net, images, methods=[never, (NoiseTunnel(Saliency(net)), {"baseline": 3})])


@pytest.mark.parametrize(
    ("chosen", "error", "message"),
    [
        (["insertion", "fidelity"], ValueError, "Expected a metric to be one of 'insertion', .*'fidelity'"),
        (["insertion", 3], TypeError, "Expected a metric to be a name, a function.*, but got 3"),
        ([(metrics.sufficient_area, "up")], TypeError, "'higher' or 'lower'"),
        (["insertion", "insertion"], ValueError, "'insertion' comes twice"),
        ([], ValueError, "Expected `metrics` to hold at least one"),
    ],
)
def test_metrics_that_are_none(net, images: Tensor, chosen, error, message: str) -> None:
    with pytest.raises(error, match=message):
        compare(net, images, methods=[never], metrics=chosen)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": 7}, IndexError, r"Expected `target` inside an output of shape \(3, 5\), but got \[7\]"),
        ({"target": [1, 2]}, AssertionError, "target"),
        ({"target": "cat"}, AssertionError, "target"),
        ({"baselines": float("nan")}, ValueError, "Expected finite `baselines`"),
        ({"baselines": torch.zeros(3, 3, 4, 4)}, AssertionError, "[Bb]aseline"),
        ({"infill": "none"}, ValueError, "Expected `infill` to be one of 'blur'"),
        ({"internal_batch_size": 0}, ValueError, "`internal_batch_size` to be at least 1, but got 0"),
        ({"seed": -1}, ValueError, "Expected `seed` to be at least 0"),
        ({"seed": 0.5}, TypeError, "Expected `seed` to be an integer, but got 0.5"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit(net, images: Tensor, options, error, message: str) -> None:
    with pytest.raises(error, match=message):
        compare(net, images, methods=[never], **options)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (torch.zeros(3, 12, 10), ValueError, r"images \(N, C, H, W\), but got \(3, 12, 10\)"),
        (torch.zeros(0, 3, 12, 10), ValueError, "nothing empty"),
        (torch.zeros(3, 3, 12, 10).int(), TypeError, r"floating-point tensors, but got torch\.int32"),
        (torch.full((3, 3, 12, 10), float("nan")), ValueError, "Expected finite `inputs`"),
        ("photo.jpg", TypeError, "floating-point tensors, but got str"),
    ],
)
def test_inputs_that_are_no_images(net, inputs, error, message: str) -> None:
    with pytest.raises(error, match=message):
        compare(net, inputs, methods=[never])


def test_models_that_give_no_answer(net, images: Tensor) -> None:
    with pytest.raises(TypeError, match="Expected `model` to be callable, but got str"):
        compare("squeezenet", images)
    with pytest.raises(ValueError, match="Expected finite outputs of the model, but got NaN"):
        compare(lambda x: net(x) * float("nan"), images, methods=[never])
    with pytest.raises(TypeError, match="to return logits in a tensor, but got dict"):
        compare(lambda x: {"scores": net(x)}, images, methods=[never])
    with pytest.raises(AssertionError, match="Expected a `target` for a model with outputs of shape"):
        compare(lambda x: net(x)[:, None].expand(-1, 2, -1), images, methods=[never])


def test_mistakes_cost_no_more_than_a_few_passes(net, images: Tensor) -> None:
    watched = Watched(net).eval()
    with pytest.raises(ValueError, match="comes twice"):
        compare(watched, images, methods=["fido", "occlusion", "fido"])
    assert sum(watched.rows) <= 2 * len(images)


def test_names_label_the_rows(net, images: Tensor) -> None:
    methods = {"ours": (ones, {}), "mine": "saliency", "saliency": "saliency"}
    rows = compare(net, images, methods=methods, metrics=["total_variation"]).rows
    assert {name: row.label for name, row in rows.items()} == {
        "ours": "ours",
        "mine": "mine",
        "saliency": "Saliency",
    }


def test_no_two_labels_are_alike(net, images: Tensor) -> None:
    rows = compare(net, images, methods=["saliency", Saliency(net)], metrics=["total_variation"]).rows
    assert [row.label for row in rows.values()] == ["saliency", "Saliency"]


def test_a_lone_name_is_a_sequence_of_one(net, images: Tensor) -> None:
    comparison = compare(net, images, methods="saliency", metrics="insertion")
    assert (list(comparison.rows), list(comparison.measures)) == (["saliency"], ["insertion"])


def test_metrics_have_names_and_directions(net, images: Tensor) -> None:
    def mine(model, inputs, attributions, baselines, target):
        return [1.0, 2.0, 3.0]

    chosen = {"a": (mine, "higher"), "b": mine, "c": "insertion", "d": (metrics.destroying_area, "lower")}
    comparison = compare(net, images, methods=[ones], metrics=chosen)
    headings = [measure.heading for measure in comparison.measures.values()]
    assert headings == ["a ↑", "b", "c ↑", "d ↓"]
    assert comparison.rows["ones"].values["a"].tolist() == [1, 2, 3]
    assert set(comparison.rows["ones"].values) == set(chosen)
