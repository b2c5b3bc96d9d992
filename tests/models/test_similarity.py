"""Cosines against their formula, whatever the reference is, and an encoder that is left as it was."""

from types import SimpleNamespace

import pytest
import torch
from captum.attr import LayerGradCam
from models import Colours, TinyConv, spotted
from quick import explain
from torch import nn
from torch.nn import functional as F

from captum_scd import FIDOAttribution
from captum_scd.forward import make_query
from captum_scd.models import similarity_to
from captum_scd.objective import SCORES
from captum_scd.provenance import fingerprint

IMAGES = torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(0))
OTHERS = torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def encoder() -> nn.Module:
    torch.manual_seed(0)
    return TinyConv().eval()


def _cosines(encoder: nn.Module, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return F.cosine_similarity(encoder(one), encoder(other))


@pytest.mark.parametrize(
    "reference",
    [lambda e: e(OTHERS[:1])[0], lambda e: 7 * e(OTHERS[:1]), lambda e: OTHERS[0], lambda e: OTHERS[:1]],
    ids=["embedding", "row", "image", "batch of one"],
)
def test_one_reference_of_any_form_gives_its_cosine(encoder, reference) -> None:
    seen = similarity_to(encoder, reference(encoder))(IMAGES)
    torch.testing.assert_close(seen, _cosines(encoder, IMAGES, OTHERS[:1]))


@pytest.mark.parametrize("reference", [lambda e: e(OTHERS), lambda e: OTHERS], ids=["texts", "images"])
def test_several_references_are_classes(encoder, reference) -> None:
    model = similarity_to(encoder, reference(encoder), scale=10.0)
    expected = torch.stack([_cosines(encoder, IMAGES, one[None]) for one in OTHERS], dim=1)
    torch.testing.assert_close(model(IMAGES), 10 * expected)
    assert explain(model, IMAGES[:1], target=2).shape == (1, 3, 12, 12)


def test_references_of_their_own_follow_the_rows(encoder) -> None:
    model, references = similarity_to(encoder, None), encoder(OTHERS)
    torch.testing.assert_close(model(IMAGES, references), _cosines(encoder, IMAGES, OTHERS))
    rows = torch.tensor([3, 0, 3, 1, 1])
    query = make_query(model, (IMAGES,), additional_forward_args=references)
    torch.testing.assert_close(query((IMAGES[rows],), rows), _cosines(encoder, IMAGES[rows], OTHERS[rows]))


def test_a_reference_with_the_call_stands_in_place_of_the_modules_own(encoder) -> None:
    model = similarity_to(encoder, OTHERS[0])
    torch.testing.assert_close(model(IMAGES, encoder(IMAGES)), torch.ones(4))


@pytest.mark.parametrize("name", ["image_embeds", "pooler_output"])
def test_embeddings_are_found_in_an_output_and_behind_a_method(encoder, name: str) -> None:
    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = encoder

        def encode(self, x):
            return SimpleNamespace(**{name: self.inner(x)[..., None, None]}, last_hidden_state=None)

    model = similarity_to(Wide(), OTHERS[0], method="encode")
    torch.testing.assert_close(model(IMAGES), _cosines(encoder, IMAGES, OTHERS[:1]))


def test_layers_inside_are_found(encoder) -> None:
    model = similarity_to(encoder, OTHERS[0])
    assert "encoder.body.0" in dict(model.named_modules())
    assert LayerGradCam(model, model.encoder.body[0]).attribute(IMAGES).shape == (4, 1, 12, 12)


def test_the_encoder_is_left_as_it_was() -> None:
    encoder = TinyConv().train()
    before, state = fingerprint(encoder), torch.random.get_rng_state()
    model = similarity_to(encoder, OTHERS)
    assert fingerprint(encoder) == before
    assert torch.equal(state, torch.random.get_rng_state())
    assert encoder.training
    assert model.training
    assert not model.reference.requires_grad


def test_another_reference_is_another_network_to_a_store(encoder) -> None:
    assert fingerprint(similarity_to(encoder, OTHERS[0])) != fingerprint(similarity_to(encoder, OTHERS[1]))


def test_the_score_need_not_be_named(encoder) -> None:
    one, classes = similarity_to(encoder, OTHERS[0]), similarity_to(encoder, OTHERS)
    assert FIDOAttribution(one).score == "similarity"
    assert FIDOAttribution(one.forward).score == "similarity"
    assert FIDOAttribution(one, score="logit").score == "logit"
    assert FIDOAttribution(classes).score == FIDOAttribution(encoder).score == "log_odds"
    _, masks = explain(one, IMAGES[:1], target=None, return_masks=True)
    assert masks.settings["score"] == "similarity"


def test_a_similarity_has_no_look_alikes(encoder) -> None:
    with pytest.raises(ValueError, match="beside score 'similarity'"):
        explain(similarity_to(encoder, OTHERS[0]), IMAGES, target=None, contrast_target=1)


def test_regions_lie_on_what_is_shared() -> None:
    image, other = spotted(red=(1, 2), green=(7, 7)), spotted(red=(8, 1), blue=(2, 8))
    model = similarity_to(Colours().eval(), other)
    _, masks = explain(
        model, image[None], None, {"infill": "constant"}, n_iterations=20, mask_size=12, return_masks=True
    )
    shared = torch.zeros(12, 12, dtype=torch.bool)
    shared[1:4, 2:5] = True
    (verdict,) = masks.verdict
    assert verdict.ssr_keeps > 0.8
    assert verdict.sdr_leaves < 0.2
    for mode in ("ssr", "sdr"):
        region = masks.threshold(0.5, mode)[0, 0]
        assert (region & shared).sum() > 0.7 * region.sum() > 0


def test_where_the_infill_is_as_similar_it_is_said() -> None:
    image, other = spotted(green=(7, 7)), spotted(red=(8, 1))
    _, masks = explain(similarity_to(Colours().eval(), other), image[None], None, return_masks=True)
    assert masks.verdict[0].word == "infill"


def test_a_cosine_costs_what_it_is_and_has_no_amount() -> None:
    score, cosine = SCORES["similarity"], torch.tensor([-0.5, 0.2])
    assert torch.equal(score(cosine, None), cosine)
    assert torch.equal(score.keep(cosine), -cosine)
    assert torch.equal(score.destroy(cosine), cosine)
    assert score.amount is None


@pytest.mark.parametrize(
    ("reference", "kind", "words"),
    [
        ("a.jpg", TypeError, "floating-point tensor, but got str"),
        (torch.ones(5, dtype=torch.long), TypeError, "int64"),
        (torch.tensor(1.0), ValueError, "but got shape"),
        (torch.full((5,), float("nan")), ValueError, "not finite"),
        (torch.ones(2, 0), ValueError, "but got shape"),
    ],
)
def test_what_is_no_reference_is_refused(encoder, reference, kind, words) -> None:
    with pytest.raises(kind, match=words):
        similarity_to(encoder, reference)


def test_what_does_not_fit_is_refused(encoder) -> None:
    with pytest.raises(TypeError, match=r"torch\.nn\.Module, but got function"):
        similarity_to(lambda x: x, OTHERS[0])
    with pytest.raises(ValueError, match="it has no 'encode_image'"):
        similarity_to(encoder, OTHERS[0], method="encode_image")
    with pytest.raises(ValueError, match="5 numbers"):
        similarity_to(encoder, torch.ones(6))(IMAGES)
    with pytest.raises(ValueError, match="for each of 4 images"):
        similarity_to(encoder, None)(IMAGES, torch.ones(3, 5))
    with pytest.raises(ValueError, match="the module holds none"):
        similarity_to(encoder, None)(IMAGES)
    with pytest.raises(TypeError, match="embeddings, but got tuple"):
        similarity_to(nn.Identity(), torch.ones(2))((1, 2))
    with pytest.raises(ValueError, match=r"\(4, D\)"):
        similarity_to(nn.Identity(), torch.ones(3))(IMAGES)
