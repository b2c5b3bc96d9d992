"""Cards lie in their corner, tell the species, and leave what tells it otherwise in sight."""

import pytest
import torch

from captum_scd.demo import generate, with_card
from captum_scd.demo.card import card


@pytest.mark.parametrize("size", [64, 128])
def test_a_card_changes_its_own_corner_only(size: int) -> None:
    pictures = torch.rand((8, 3, size, size), generator=torch.Generator().manual_seed(0))
    before = pictures.clone()
    changed, where = with_card(pictures, torch.arange(8))
    assert torch.equal((changed != before).any(1, keepdim=True), where)
    assert where.flatten(1).sum(1).tolist() == [(size // 4) ** 2] * 8
    assert where[..., : size // 2, : size // 2].sum() == where.sum()
    assert torch.equal(pictures, before)


def test_a_card_tells_the_species() -> None:
    cards = [card(label, 32) for label in range(8)]
    assert all((cards[a] - cards[b]).abs().mean() > 0.05 for a in range(8) for b in range(a))
    assert all(one.min() >= 0 and one.max() <= 1 for one in cards)


def test_no_mark_lies_under_a_card() -> None:
    pictures = generate(32, seed=3)
    _, where = with_card(pictures.images, pictures.labels)
    assert not (pictures.details & where).any()
