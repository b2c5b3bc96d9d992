"""Tokens that are left out of a transformer: which module takes them, and what the class loses."""

import pytest
import torch
from architectures import TinyViT, Tokens, settled
from torch import Tensor, nn

from captum_scd import compare
from captum_scd.comparison.dropping import STEPS
from captum_scd.comparison.question import make_question

PATCH = 4
NAME = "difference_tokens"


class Counting(nn.Module):
    """A class token and patches; the class's log-odds are 10 where patch 5 is seen, and -10 elsewhere."""

    def __init__(self, places_inside: bool = False) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 2, PATCH, stride=PATCH)
        self.blocks = nn.Sequential(nn.Identity(), nn.Identity())
        self.inside = places_inside
        places = torch.zeros(1, 17, 2)
        places[0, 6, 1] = 1.0  # the class token stands before
        self.places = nn.Parameter(places)

    def forward(self, x: Tensor) -> Tensor:
        tokens = 0 * self.embed(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([torch.zeros(len(x), 1, 2), tokens], dim=1)
        tokens = self.blocks(tokens + self.places)
        if self.inside:
            tokens = tokens + 0 * self.places
        score = 20 * tokens[..., 1].amax(1) - 10
        return torch.stack([score, torch.zeros_like(score)], dim=1)


def question(model: nn.Module, images: Tensor):
    return make_question(model, images, 0, 0.0, "blur", None, 64, 0)


def patch(number: int) -> Tensor:
    cells = torch.zeros(16)
    cells[number] = 1
    return cells.view(1, 1, 4, 4).repeat_interleave(PATCH, 2).repeat_interleave(PATCH, 3)


IMAGES = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_the_token_that_tells_the_class_has_all_of_the_area() -> None:
    asked = question(Counting().eval(), IMAGES)
    most = asked.dropping.difference(patch(5)).item()
    assert most == pytest.approx(15 / 16 - 1 / 32, abs=0.01)  # from 1 of 16 on, until the last one comes in
    assert asked.dropping.difference(-patch(5)).item() == pytest.approx(-most)


def test_each_image_loses_its_own_tokens() -> None:
    asked = question(Counting().eval(), IMAGES.expand(2, -1, -1, -1))
    one, other = asked.dropping.difference(torch.cat([patch(5), -patch(5)]))
    assert one == -other > 0.8


def test_the_model_is_left_as_it_was() -> None:
    model = Counting().eval()
    before = model(IMAGES)
    question(model, IMAGES).dropping.difference(patch(5))
    assert not any(part._forward_pre_hooks for part in model.modules())
    assert torch.equal(model(IMAGES), before)


def test_it_costs_two_passes_a_step_and_two_for_all_maps() -> None:
    model, calls = Counting().eval(), []
    model.register_forward_hook(lambda *_: calls.append(1))
    asked = question(model, IMAGES)
    calls.clear()
    asked.dropping.difference(patch(5))
    assert len(calls) == 2 * min(STEPS, 16) + 2  # the whole, and a trial without half
    asked.dropping.difference(-patch(5))
    assert len(calls) == 4 * min(STEPS, 16) + 2  # another map shares both


@pytest.mark.parametrize(
    "model",
    [
        Counting(places_inside=True),
        settled(Tokens()),
        settled(TinyViT(1)),
        nn.Sequential(nn.Flatten(), nn.Linear(768, 3)),
    ],
    ids=["places come later", "no blocks", "no modules", "no tokens"],
)
def test_others_say_that_it_has_no_meaning(model: nn.Module) -> None:
    rows = compare(model.eval(), IMAGES, 0, ["random"], [NAME]).rows
    assert NAME not in rows["random"].values
    assert "where some are missing" in rows["random"].note


def test_by_name_in_a_comparison() -> None:
    rows = compare(Counting().eval(), IMAGES, 0, {"truth": lambda inputs: patch(5)}, [NAME]).rows
    assert rows["truth"].values[NAME].item() > 0.8, rows["truth"].note


@pytest.mark.parametrize("kind", ["encoder", "huggingface"])
def test_it_finds_the_way_in(kind: str) -> None:
    if kind == "huggingface":
        transformers = pytest.importorskip("transformers")
        config = transformers.ViTConfig(
            image_size=16, patch_size=4, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=16, num_labels=3,
        )  # fmt: skip
        model = transformers.ViTForImageClassification(config)
    else:
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        model = Encoder(nn.TransformerEncoder(layer, 2))
    found = compare(model.eval(), IMAGES, 0, ["random"], [NAME]).rows["random"]
    assert NAME in found.values, found.note


class Encoder(nn.Module):
    """PyTorch's own encoder on patches."""

    def __init__(self, blocks: nn.Module) -> None:
        super().__init__()
        self.embed, self.blocks, self.head = nn.Conv2d(3, 8, PATCH, stride=PATCH), blocks, nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.embed(x).flatten(2).transpose(1, 2)).mean(1))
