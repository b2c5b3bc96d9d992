"""Anything that classifies, as a module that returns logits, in every part of the library."""

import copy
import warnings
from collections import namedtuple
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from models import TinyConv
from quick import QUICK, explain
from torch import Tensor, nn

from captum_scd import (
    FIDOAttribution,
    MaskGuidedClassifier,
    MaskStore,
    SaliencyGuidedDropout,
    compare,
    explain_dataset,
    logits_of,
    metrics,
)
from captum_scd.comparison import parameter_randomization

Pair = namedtuple("Pair", ["first", "second"])
CHEAP = {"methods": ["saliency", "gradcam"], "metrics": ["total_variation"]}


class Returning(nn.Module):
    """A network whose answer comes in another form."""

    def __init__(self, wrap: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.net, self.wrap = TinyConv(), wrap

    def forward(self, x: Tensor) -> object:
        return self.wrap(self.net(x))


class Bird(nn.Module):
    """One logit, ten times the brightness less 5."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3))[:, None] * 10 - 5


CLEAR = {
    "object": lambda logits: SimpleNamespace(logits=logits, loss=None),
    "mapping": lambda logits: {"loss": None, "logits": logits},
    "tuple of one": lambda logits: (logits,),
}
UNCLEAR = {
    "tuple": (lambda logits: (logits, logits.mean()), lambda out: out[0]),
    "named tuple": (lambda logits: Pair(logits, logits), lambda out: out.second),
    "other name": (lambda logits: {"scores": logits}, lambda out: out["scores"]),
}


@pytest.fixture(params=CLEAR.values(), ids=list(CLEAR))
def clear(request) -> Returning:
    torch.manual_seed(0)
    return Returning(request.param).eval()


def test_what_is_clear_is_taken_by_fido(clear: Returning, images: Tensor) -> None:
    assert torch.equal(explain(clear, images), explain(clear.net, images))


def test_what_is_clear_is_taken_by_compare(clear: Returning, images: Tensor) -> None:
    ours, plain = compare(clear, images, **CHEAP), compare(clear.net, images, **CHEAP)
    for name in CHEAP["methods"]:
        assert torch.equal(ours.maps[name], plain.maps[name])
        assert ours.rows[name].cost.backward == plain.rows[name].cost.backward


def test_what_is_clear_is_taken_by_a_randomisation(clear: Returning, images: Tensor) -> None:
    result = parameter_randomization(clear, images, methods=["saliency"], n_stages=2)
    assert result.failures == {}
    assert result.correlations["saliency"].abs().max() < 0.999


def test_what_is_clear_is_taken_by_the_second_look(clear: Returning, images: Tensor) -> None:
    maps = torch.rand(len(images), 1, *images.shape[2:])
    assert torch.equal(
        MaskGuidedClassifier(clear)(images, maps=maps), MaskGuidedClassifier(clear.net)(images, maps=maps)
    )


def test_what_is_clear_is_taken_by_the_metrics_and_the_store(
    clear: Returning, images: Tensor, tmp_path
) -> None:
    explain_dataset(clear, [("a", images[0])], tmp_path / "s.zarr", show_progress=False, **QUICK)
    chances = clear.net(images[:1]).softmax(1)
    entry = MaskStore.open(tmp_path / "s.zarr").entry("a")
    assert entry.probability["image"] == pytest.approx(chances.max().item(), abs=1e-6)
    told = metrics.probability_under(clear, images[:1], torch.ones(1), target=3)
    torch.testing.assert_close(told, chances[:, 3])


def test_training_gets_what_the_model_returns(clear: Returning, images: Tensor) -> None:
    sgdrop = SaliencyGuidedDropout(clear.train(), "net.body.0", rate=0.5)
    assert type(sgdrop(images, target=1)) is type(clear(images))


@pytest.mark.parametrize(("wrap", "read"), UNCLEAR.values(), ids=list(UNCLEAR))
def test_what_is_unclear_is_an_error_that_says_what_to_write(wrap, read, images: Tensor) -> None:
    model = Returning(wrap).eval()
    for use in (explain, compare):
        with pytest.raises(TypeError, match=r"logits_of\(model, read=lambda out: out\[") as caught:
            use(model, images)
    assert "\n" not in str(caught.value)
    assert torch.equal(explain(logits_of(model, read=read), images), explain(model.net, images))


def _scripted(net: nn.Module) -> nn.Module:
    return torch.jit.trace(net, torch.zeros(1, 3, 8, 8), check_trace=False)


FORMS = {
    "module": lambda net: net,
    "method": lambda net: net.forward,
    "function": lambda net: lambda x: net(x),
    "scripted": _scripted,
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_every_form_of_a_model_becomes_a_module(form, net: nn.Module, images: Tensor) -> None:
    model = logits_of(form(net))
    torch.testing.assert_close(model(images), net(images))
    assert not model.training
    rows = compare(model, images, **CHEAP).rows
    assert rows["saliency"].map is not None


@pytest.mark.parametrize("form", [FORMS["module"], FORMS["method"]], ids=["module", "method"])
def test_layers_and_parameters_are_found(form, net: nn.Module, images: Tensor) -> None:
    model = logits_of(form(net))
    assert compare(model, images, **CHEAP).rows["gradcam"].note.startswith("layer 'model.body.2'")
    assert [id(one) for one in model.parameters()] == [id(one) for one in net.parameters()]
    twin = copy.deepcopy(model)
    nn.init.zeros_(next(twin.parameters()))
    assert not torch.equal(twin(images), model(images))


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_that_of_the_model_and_the_model_keeps_it(training: bool) -> None:
    net = nn.Sequential(nn.Linear(2, 2).eval(), nn.Dropout(0.5))
    net.training = training
    before = [part.training for part in net.modules()]
    assert logits_of(net).training is training
    assert [part.training for part in net.modules()] == before


def test_arguments_are_passed_on() -> None:
    model = logits_of(lambda x, shift, *, scale: (x + shift) * scale)
    assert model(torch.ones(1, 2), 1, scale=3).tolist() == [[6, 6]]


def test_probabilities_become_logits_of_the_same_probabilities(net: nn.Module, images: Tensor) -> None:
    soft = logits_of(lambda x: net(x).softmax(1), output="probabilities")
    torch.testing.assert_close(soft(images).softmax(1), net(images).softmax(1))
    torch.testing.assert_close(explain(soft, images, 2), explain(net, images, 2), atol=1e-3, rtol=0)


@pytest.mark.parametrize("output", ["probabilities", "multilabel", "multilabel_probabilities"])
def test_certainty_keeps_numbers_and_gradients_finite(output: str) -> None:
    sure = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True)
    logits = logits_of(lambda x: x, output=output)(sure)
    (gradient,) = torch.autograd.grad(logits.sum(), sure)
    assert logits.isfinite().all()
    assert gradient.isfinite().all()
    assert logits.argmax() == 0


def test_one_sigmoid_becomes_its_logit() -> None:
    z = torch.tensor([-3.0, 0.5])
    torch.testing.assert_close(logits_of(torch.sigmoid, output="probabilities")(z), z[:, None])


def test_one_logit_becomes_two_classes(images: Tensor) -> None:
    model = logits_of(Bird(), output="binary")
    chance = torch.sigmoid(Bird()(images))
    torch.testing.assert_close(model(images).softmax(1), torch.cat([1 - chance, chance], 1))
    assert explain(model, images, 0).shape == images.shape


MULTILABEL = {"logits": (lambda z: z, "multilabel"), "sigmoid": (torch.sigmoid, "multilabel")} | {
    "told logits": (lambda z: z, "multilabel_logits"),
    "told sigmoid": (torch.sigmoid, "multilabel_probabilities"),
}


@pytest.mark.parametrize(("end", "output"), MULTILABEL.values(), ids=list(MULTILABEL))
def test_independent_classes_are_asked_about_alone(
    end, output, net: nn.Module, images: Tensor, tmp_path
) -> None:
    def several(x: Tensor) -> Tensor:
        return 3 * net(x) - 0.5

    model = logits_of(lambda x: end(several(x)), output=output)
    chances = several(images).sigmoid()
    torch.testing.assert_close(model(images).sigmoid(), chances)
    told = metrics.probability_under(model, images, torch.ones(1), target=2)
    torch.testing.assert_close(told, chances[:, 2])
    explain_dataset(model, [("a", images[0], 2)], tmp_path / "s.zarr", show_progress=False, **QUICK)
    entry = MaskStore.open(tmp_path / "s.zarr").entry("a")
    assert entry.probability["image"] == pytest.approx(chances[0, 2].item(), abs=1e-5)
    assert entry.probability["predicted"] == pytest.approx(chances[0].max().item(), abs=1e-5)


@pytest.mark.parametrize("score", ["log_odds", "log_prob", "prob", "logit"])
def test_masks_of_an_independent_class_are_those_of_its_own_logit(
    score, net: nn.Module, images: Tensor
) -> None:
    model, strategies = logits_of(net, output="multilabel_logits"), {"score": score}
    alone = explain(lambda x: net(x)[:, 2], images, None, strategies)
    torch.testing.assert_close(explain(model, images, 2, strategies), alone, rtol=0, atol=1e-3)


def test_a_score_of_the_users_sees_all_independent_classes(net: nn.Module, images: Tensor) -> None:
    shapes = set()

    def own(output: Tensor, target: Tensor) -> Tensor:
        shapes.add(output.shape[1:])
        return output[:, 0]

    explain(logits_of(net, output="multilabel_logits"), images, 2, {"score": own})
    assert shapes == {(5,)}


@pytest.mark.parametrize("combine", ["mean_logits", "mean_probabilities", "confidence", "replace"])
def test_looks_at_independent_classes_are_combined_class_by_class(combine: str, net, images: Tensor) -> None:
    maps = torch.rand(len(images), 1, *images.shape[2:])

    def seen(model: nn.Module) -> Tensor:
        return MaskGuidedClassifier(model, combine=combine)(images, maps=maps)

    pair = logits_of(lambda x: net(x)[:, 3], output="binary")
    expected = seen(pair)[:, 1] - seen(pair)[:, 0]
    torch.testing.assert_close(seen(logits_of(net, output="multilabel_logits"))[:, 3], expected)


def test_the_first_batch_settles_what_independent_classes_come_as() -> None:
    model = logits_of(lambda x: x, output="multilabel")
    model(torch.tensor([[0.2, 0.9]]))
    with pytest.raises(ValueError, match=r'settled by the first batch.*output="multilabel_logits"'):
        model(torch.tensor([[0.2, 1.5]]))
    model = logits_of(lambda x: x, output="multilabel")
    model(torch.tensor([[0.2, 1.5]]))
    assert model(torch.tensor([[0.2, 0.9]])).tolist() == [[pytest.approx(0.2), pytest.approx(0.9)]]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: logits_of("resnet50"), TypeError, "Expected `model` to be callable, but got str"),
        (lambda: logits_of(Bird(), read=0), TypeError, "Expected `read` to be callable, but got int"),
        (lambda: logits_of(Bird(), output="odds"), ValueError, "Expected `output` to be one of 'logits'"),
        (lambda: logits_of(lambda x: x, output="binary")(torch.zeros(2, 3)), ValueError, r"shape \(2, 3\)"),
        (
            lambda: logits_of(lambda x: x, output="probabilities")(torch.full((1, 3), 2.0)),
            ValueError,
            r"numbers in \[0, 1\]",
        ),
    ],
)
def test_what_does_not_fit_is_answered_in_one_sentence(make, error, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_vision_transformer_of_transformers_is_taken_as_it_is(images: Tensor, tmp_path) -> None:
    transformers = pytest.importorskip("transformers")
    images = images[..., :10, :]
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    size = {"image_size": images.shape[-1], "patch_size": 2, "num_labels": 4}
    model = transformers.ViTForImageClassification(transformers.ViTConfig(**small, **size)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(explain(model, images), explain(lambda x: model(x).logits, images))
        assert compare(model, images, methods=["saliency"]).maps["saliency"].shape[0] == len(images)
    explain_dataset(model, [("a", images[0])], tmp_path / "s.zarr", show_progress=False, **QUICK)
    guided = MaskGuidedClassifier(model, settings=QUICK)
    assert guided(images[:1]).shape == (1, 4)
    assert FIDOAttribution(logits_of(model)).attribute(images, target=1, **QUICK).shape == images.shape


@pytest.mark.parametrize("form", [Bird(), nn.Sequential(Bird(), nn.Flatten(0))], ids=["(N, 1)", "(N,)"])
def test_one_logit_goes_into_a_store_with_the_probability_of_its_sigmoid(
    form, images: Tensor, tmp_path
) -> None:
    dim = images[:2].sigmoid()
    outcome = explain_dataset(
        form.eval(), [("a", dim[0]), ("b", dim[1])], tmp_path / "s.zarr", show_progress=False, **QUICK
    )
    entry = MaskStore.open(tmp_path / "s.zarr").entry("b")
    chance = torch.sigmoid(Bird()(dim))[1].item()
    assert outcome.failed == {}
    assert (entry.target, entry.predicted) == (0, 0)
    assert entry.probability["image"] == entry.probability["predicted"] == pytest.approx(chance, abs=1e-6)


def test_a_store_does_not_go_on_with_another_reading_of_the_same_network(
    net, images: Tensor, tmp_path
) -> None:
    several = logits_of(net, output="multilabel")
    quick = {"show_progress": False, **QUICK}
    explain_dataset(several, [("a", images[0])], tmp_path / "s.zarr", **quick)
    assert explain_dataset(several, [("a", images[0])], tmp_path / "s.zarr", **quick).skipped == 1
    with pytest.raises(ValueError, match="model"):
        explain_dataset(logits_of(net), [("b", images[1])], tmp_path / "s.zarr", **quick)


def test_classes_stay_independent_in_training_with_sgdrop(net, images: Tensor) -> None:
    sgdrop = SaliencyGuidedDropout(logits_of(net, output="multilabel_logits"), "model.body.0").eval()
    told = metrics.probability_under(sgdrop, images, torch.ones(1), target=2)
    torch.testing.assert_close(told, net(images)[:, 2].sigmoid())
