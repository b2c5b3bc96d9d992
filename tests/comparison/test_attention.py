"""Attention is seen however it is computed, and its relevance is the paper's."""

import pytest
import torch
from architectures import TinyViT, Tokens, perceptron, settled
from torch import Tensor, nn

from captum_scd import compare
from captum_scd.comparison.attention import relevance

CHEAP = {"metrics": ["total_variation"]}


class Spelled(TinyViT):
    """The same network with its attention written out."""

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return (query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).softmax(-1) @ value


class Modules(TinyViT):
    """The same network with PyTorch's own module, as fast as it allows."""

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.before.expand(len(x), -1, -1), tokens], dim=1)
        for norm, qkv in zip(self.norms, self.qkv, strict=True):
            attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
            attention.in_proj_weight, attention.in_proj_bias = qkv.weight, qkv.bias
            nn.init.eye_(attention.out_proj.weight)
            seen = norm(tokens)
            tokens = tokens + attention(seen, seen, seen, need_weights=False)[0]
        return self.head(tokens[:, 0] if self.before.shape[1] else tokens.mean(1))


def _map(model: nn.Module, images: Tensor) -> Tensor:
    row = compare(model, images, 2, ["attention_relevance"], **CHEAP).rows["attention_relevance"]
    assert row.status == "done", row.note
    return row.map


@pytest.mark.parametrize("build", [Spelled, Modules])
@pytest.mark.parametrize("leading", [0, 1, 3])
def test_all_ways_to_compute_attention_give_the_same_map(images: Tensor, build, leading: int) -> None:
    model, same = settled(TinyViT(leading)), build(leading).eval()
    same.load_state_dict(model.state_dict())
    expected = _map(model, images[..., :8])
    assert expected.max() > 0
    torch.testing.assert_close(_map(same, images[..., :8]), expected, rtol=1e-4, atol=1e-8)


def test_for_a_class_token_it_is_the_papers_row() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.rand(1, 2, 5, 5, generator=generator).softmax(-1) for _ in range(2)]
    slopes = [torch.randn(1, 2, 5, 5, generator=generator) for _ in range(2)]
    slopes[1][:, :, 1:] = 0
    carried = torch.eye(5)
    for one, slope in zip(weights, slopes, strict=True):
        carried = carried + (slope * one)[0].clamp(min=0).mean(0) @ carried
    torch.testing.assert_close(relevance(weights, slopes)[0, 1:], carried[0, 1:])


def test_a_patch_that_the_class_token_attends_to_is_found() -> None:
    model = TinyViT(1, depth=1).eval()
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    nn.init.ones_(model.norms[0].weight)
    with torch.no_grad():
        model.embed.weight[0] = 1.0
        model.qkv[0].weight[16, 0] = 1.0
        model.head.weight[2, 0] = 1.0
    images = torch.zeros(1, 3, 12, 16)
    images[..., 4:8, 8:12] = 1.0
    assert divmod(int(_map(model, images).argmax()), 16)[0] in range(4, 8)
    assert divmod(int(_map(model, images).argmax()), 16)[1] in range(8, 12)


def test_without_attention_the_row_says_so(images: Tensor, net) -> None:
    for model in (net, settled(perceptron())):
        row = compare(model, images, methods=["attention_relevance"], **CHEAP).rows["attention_relevance"]
        assert row.status == "left out"
        assert "no attention among the tokens" in row.note


def test_a_function_is_seen_through(images: Tensor) -> None:
    model = settled(Tokens())
    assert torch.equal(_map(lambda x: model(x), images), _map(model, images))
