"""Embeddings of tokens (N, T, D): a value per token, which its numbers share."""

import warnings

import pytest
import quick
import torch
from models import Additive
from quick import explain
from torch import Generator, Tensor, nn

from captum_scd import FIDOMasks

CLASSES = torch.tensor([0, 1, 2, 1])
PLACES = torch.tensor([5, 0, 11, 6])
HEAD = torch.nn.functional.normalize(torch.randn(3, 8, generator=Generator().manual_seed(0)), dim=1)


class Bag(nn.Module):
    """The class whose direction the sum of the tokens has."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.sum(1) @ HEAD.T


class Attention(nn.Module):
    """The class whose direction the token has that stands out."""

    def forward(self, tokens: Tensor) -> Tensor:
        weights = tokens.norm(dim=2).softmax(1)
        return (weights[..., None] * tokens).sum(1) @ HEAD.T


class Words(Bag):
    """A model with embeddings of its own, as those of texts have."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, width)


def _text() -> Tensor:
    """Four texts of twelve faint tokens, of which one, at `PLACES`, says the class."""
    tokens = 0.1 * torch.randn(4, 12, 8, generator=Generator().manual_seed(1))
    tokens[torch.arange(4), PLACES] += 6 * HEAD[CLASSES]
    return tokens


@pytest.mark.parametrize("model", [Bag(), Attention()], ids=["bag", "attention"])
def test_the_token_that_says_the_class_wins(model: nn.Module) -> None:
    attribution, masks = explain(
        model.eval(), _text(), CLASSES, mask_size="tokens", n_iterations=12, return_masks=True
    )
    assert torch.equal(attribution, attribution[..., :1].expand_as(attribution))
    assert attribution[..., 0].argmax(1).equal(PLACES)
    assert masks.ssr.shape == masks.joint.shape == (4, 12, 1)
    assert repr(masks) == "FIDOMasks(4 examples of 12 x 1, cells of 12 x 1, seed 0)"


def test_tokens_are_the_groups_of_their_feature_mask() -> None:
    groups, options = torch.arange(12)[None, :, None], {"baselines": 0.0, "strategies": {"infill": "mean"}}
    tokens = explain(Bag().eval(), _text(), CLASSES, mask_size="tokens", **options)
    grouped = explain(Bag().eval(), _text(), CLASSES, feature_mask=groups, **options)
    torch.testing.assert_close(tokens, grouped, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("infill", "expected"),
    [
        (("blur", "mean"), torch.zeros_like),
        ("mean", lambda text: text.mean(1, keepdim=True).expand_as(text)),
        (lambda text: text.amax(1, keepdim=True).expand_as(text), lambda text: text.amax(1, keepdim=True)),
    ],
    ids=["default", "mean", "own"],
)
def test_an_infill_takes_tokens_for_places(infill, expected) -> None:
    _, masks = explain(
        Bag().eval(), _text(), CLASSES, {"infill": infill}, mask_size="tokens", return_masks=True
    )
    torch.testing.assert_close(masks.infill, expected(_text()).expand(4, 12, 8))
    assert masks.verdict[0].second_infill == masks.verdict[0].second_infill


def test_masks_of_tokens_keep_in_a_file(tmp_path) -> None:
    _, masks = explain(Bag().eval(), _text(), CLASSES, mask_size="tokens", return_masks=True)
    masks.save(tmp_path / "masks.npz")
    assert torch.equal(FIDOMasks.load(tmp_path / "masks.npz").joint, masks.joint)
    assert masks.settings["mask_size"] == "tokens"


def test_an_image_beside_the_tokens_keeps_its_grid() -> None:
    image, text = torch.rand(4, 3, 6, 5, generator=Generator().manual_seed(0)), _text()
    (look, words), masks = explain(
        lambda x, t: Bag()(t) + x.mean((2, 3)), (image, text), CLASSES, mask_size="tokens", return_masks=True
    )
    assert masks[0].ssr_cells.shape == (4, 1, 6, 5)
    assert torch.equal(words, masks[1].joint.expand_as(text))
    assert look.shape == image.shape


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 6)], ids=str)
def test_what_has_no_tokens_is_refused(shape) -> None:
    with pytest.raises(
        ValueError, match=r"Expected embeddings \(N, T, D\) for `mask_size` 'tokens', but got"
    ):
        explain(Additive().eval(), torch.ones(shape), mask_size="tokens")


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected `mask_size` to be .* 'tokens', but got 'words'"):
        explain(Additive().eval(), torch.ones(2, 3, 8), mask_size="words")


@pytest.mark.parametrize("width", [8, 9])
@pytest.mark.parametrize(
    "options", [{}, {"mask_size": "tokens"}, {"feature_mask": torch.arange(8)[None, None]}], ids=str
)
def test_embeddings_that_would_be_read_as_signals_are_warned_of(width: int, options) -> None:
    asked = {"mask_size": None, **options}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explain(Words(width).eval(), _text(), CLASSES, **asked)
    assert [one.filename for one in caught] == ([quick.__file__] if width == 8 and not options else [])
    assert all("mask_size='tokens'" in str(one.message) for one in caught)
