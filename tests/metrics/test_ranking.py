"""Pixels in the order of a map, and what is kept of a class on the way."""

import torch
from models import Additive, Watched
from planted import random
from torch import Tensor

from captum_scd.metrics._ranking import ranked


def _ranked(inputs: Tensor, maps: Tensor, model=None, cap: int = 64):
    return ranked(model or Additive(), inputs, maps, -1.0, 0, None, cap)


def test_the_rank_of_a_pixel_is_how_many_are_more_important() -> None:
    maps = random(3, 1, 5, 6)
    with _ranked(random(3, 2, 5, 6), maps) as ranking:
        flat = maps.flatten(1)
        above = (flat[:, None, :] > flat[:, :, None]).sum(2)
        assert torch.equal(ranking.rank.flatten(1), above)
        assert ranking.rank.shape == maps.shape


def test_ties_are_broken_at_random_and_the_same_for_all_maps() -> None:
    before = torch.get_rng_state()
    with _ranked(random(2, 40), torch.cat([torch.zeros(1, 40), torch.ones(1, 40)])) as ranking:
        assert torch.equal(ranking.rank[0], ranking.rank[1])
        assert sorted(ranking.rank[0].tolist()) == list(range(40))
        assert (ranking.rank[0].diff() == 1).sum() < 10
    with _ranked(random(1, 40), torch.zeros(1, 40)) as again:
        assert torch.equal(again.rank[0], ranking.rank[0])
    assert torch.equal(torch.get_rng_state(), before)


def test_equal_pixels_keep_together_and_their_order_is_that_of_a_flat_map() -> None:
    halves = (torch.arange(40) < 20).float()[None]
    with _ranked(random(1, 40), halves) as ranking, _ranked(random(1, 40), torch.zeros(1, 40)) as flat:
        assert ranking.rank[0, :20].max() == 19
        for half in (slice(20), slice(20, 40)):
            assert torch.equal(ranking.rank[0, half].argsort(), flat.rank[0, half].argsort())


def test_shares_of_an_additive_model_are_sigmoids_of_what_is_shown() -> None:
    inputs, maps = 2 * random(3, 8) - 1, random(3, 8, seed=1)
    shares = torch.tensor([[0.0, 0.25, 0.5], [0.3, 0.8, 1.0], [1.0, 0.1, 0.45]])
    order = maps.argsort(dim=1, descending=True)
    first = [
        [set(row[: round(8 * s)]) for s in own]
        for row, own in zip(order.tolist(), shares.tolist(), strict=True)
    ]
    inside = torch.tensor([[[pixel in shown for pixel in range(8)] for shown in row] for row in first])
    whole = torch.sigmoid(inputs.sum(1))[:, None]
    watched = Watched(Additive())
    with _ranked(inputs, maps, watched, cap=4) as ranking:
        torch.testing.assert_close(ranking.whole, whole[:, 0])
        for insert in (True, False):
            rows = torch.where(inside == insert, inputs[:, None], -1.0)
            expected = (torch.sigmoid(rows.sum(2)) / whole).clamp(max=1)
            torch.testing.assert_close(ranking.kept(shares, insert), expected)
    assert max(watched.rows) == 4


def test_a_pixel_counts_with_all_its_channels() -> None:
    inputs, maps = random(1, 3, 2, 2), torch.tensor([[[[4.0, 3.0], [2.0, 1.0]]]])
    with _ranked(inputs, maps) as ranking:
        kept = ranking.kept(torch.tensor([[0.5]]), insert=True)
    shown = inputs[0, :, 0].sum() - 6
    torch.testing.assert_close(kept, (torch.sigmoid(shown) / torch.sigmoid(inputs.sum())).view(1, 1))


def test_a_class_that_is_not_there_at_all_keeps_nothing_and_more_than_the_whole_counts_as_the_whole() -> None:
    inputs = torch.tensor([[-500.0, -500.0], [-3.0, 2.0]])
    with _ranked(inputs, torch.tensor([[2.0, 1.0], [1.0, 2.0]])) as ranking:
        kept = ranking.kept(torch.full((2, 1), 0.5), insert=True)
    assert kept.tolist() == [[0], [1]]
