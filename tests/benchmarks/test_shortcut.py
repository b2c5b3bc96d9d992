"""A network that falls for a label card, and one that never saw one."""

from pathlib import Path

import pytest
import shortcut
import torch

from captum_scd.demo import SPECIES


def test_a_card_is_put_on_one_species_only() -> None:
    pictures = torch.rand((8, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    changed = (shortcut.with_cards(pictures, torch.arange(8)) != pictures).flatten(1).any(1)
    assert changed.nonzero().flatten().tolist() == [shortcut.SPECIES_WITH_CARD]


@pytest.mark.shortcut
def test_the_planted_shortcut_is_named_and_nothing_else(tmp_path: Path) -> None:
    found = shortcut.experiment(tmp_path, cards=True, n_train=24, n_test=16)
    assert found == [{SPECIES[shortcut.SPECIES_WITH_CARD]}] * 2


@pytest.mark.shortcut
def test_without_a_shortcut_nothing_is_named(tmp_path: Path) -> None:
    assert shortcut.experiment(tmp_path, cards=False, n_train=24, n_test=16) == [set(), set()]
