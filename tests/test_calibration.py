"""The cut, on a network whose sufficient and destroying areas are known."""

import math

import pytest
import torch
from models import PlantedPatch
from torch import Tensor

from captum_scd.calibration import (
    CHANCE,
    DETAIL,
    LADDER,
    LEAST,
    RARE,
    SOFTNESS,
    TAIL,
    Order,
    bargain,
    calibrate,
    cut_at,
    lost,
    recut,
    sufficiency,
)
from captum_scd.composites import Composites
from captum_scd.forward import make_query
from captum_scd.grid import make_grid
from captum_scd.objective import log_odds
from captum_scd.trials import Trials

SHAPE = (1, 1, 10, 12)


def _composites() -> Composites:
    image = torch.full(SHAPE, 0.9)
    query = make_query(PlantedPatch(), (image,), 0)
    score = lambda output, examples: log_odds(output, query.targets(examples))  # noqa: E731
    grid = make_grid((image,), mask_size=(10, 12))
    return Composites((image,), (torch.zeros_like(image),), query, score, grid)


def _patch_first() -> Tensor:
    """Logits (2, 1, cells) that rank the planted patch above all else."""
    noise = torch.rand(120, generator=torch.Generator().manual_seed(0))
    order = noise + 5 * PlantedPatch.region(10, 12).flatten()
    return ((order - order.mean()) / order.std(correction=0)).expand(2, 1, -1)


def _order() -> Order:
    return Order(_patch_first(), _patch_first().sum(0))


def _areas(area_weight: float) -> list[float]:
    cells = calibrate(Trials([_composites()], torch.sigmoid), _order(), area_weight)
    return (cells >= 0.5).float().mean((1, 2)).tolist()


def test_both_masks_take_the_planted_patch() -> None:
    assert _areas(1.0) == pytest.approx([12 / 120] * 2, abs=1.01 / 120)


def test_the_dearer_the_area_the_smaller_the_regions() -> None:
    sizes = torch.tensor([_areas(weight) for weight in (0.0, 1.0, 10.0, 1000.0)])
    assert (sizes.diff(dim=0) <= 0).all()
    assert (sizes[-1] < sizes[0]).all()
    torch.testing.assert_close(sizes[-1], torch.full((2,), 1 / 120))


def test_a_score_without_a_scale_is_measured_between_infill_and_input() -> None:
    torch.testing.assert_close(
        calibrate(Trials([_composites()], None), _order(), 1.0)[0] >= 0.5,
        calibrate(Trials([_composites()], torch.sigmoid), _order(), 1.0)[0] >= 0.5,
    )


class Known:
    """Trials of two orders that differ: SSR keeps all from an area on, SDR leaves nothing from another."""

    bare = torch.zeros(1, 1)

    def __init__(self, ssr: float, sdr: float) -> None:
        self.enough = {False: ssr, True: sdr}

    def shares(self, masks: Tensor, invert: bool) -> Tensor:
        areas = (masks >= 0.5).float().mean(-1)
        there = (areas > 0.85 * self.enough[invert]).float()
        return ((1 - there) if invert else there)[None]


def _apart() -> Order:
    """SSR and SDR rank 400 cells in opposite orders."""
    ramp = torch.linspace(-1.7, 1.7, 400)
    return Order(torch.stack([ramp, -ramp])[:, None], torch.zeros(1, 400))


def test_each_mask_is_cut_in_its_own_order_at_its_own_area() -> None:
    ssr, sdr = calibrate(Known(0.1, 0.256), _apart(), 0.7)[:, 0] >= 0.5
    assert 0.085 < ssr.float().mean() < 0.13
    assert 0.217 < sdr.float().mean() < 0.33
    assert ssr[-20:].all()
    assert sdr[:40].all()
    assert not (ssr & sdr).any()


def test_a_bargain_is_the_price_of_the_least_areas() -> None:
    """On the ladder the class is kept from its second area on, and lost from its fourth on."""
    loss = bargain(Known(LADDER[1], LADDER[3]), _apart().region, 2.0)
    torch.testing.assert_close(loss, torch.tensor([2 * (LADDER[1] + LADDER[3])]), rtol=0.02, atol=0)


def test_sufficiency_is_the_share_of_ssr_in_a_bargain() -> None:
    loss = sufficiency(Known(LADDER[1], LADDER[3]), _apart().region[0], 2.0)
    torch.testing.assert_close(loss, torch.tensor([2 * LADDER[1]]), rtol=0.02, atol=0)


@pytest.mark.parametrize(("share", "loss"), [(0.0, -math.log(LEAST)), (0.5, math.log(2)), (2.0, 0.0)])
def test_shares_count_from_a_thousandth_to_all(share: float, loss: float) -> None:
    class Fixed:
        def shares(self, masks: Tensor, invert: bool) -> Tensor:
            return torch.full((1, *masks.shape[:2]), share)

    found = sufficiency(Fixed(), _apart().region[0].expand(3, -1), 2.0)
    torch.testing.assert_close(found, torch.full((3,), loss + 2 * LADDER[0]))


class Unlike(Known):
    """Trials under two infills: the first gives all of the class to any SSR, the second a quarter."""

    bare = torch.zeros(2, 1)

    def __init__(self) -> None:
        super().__init__(0, 0)

    def shares(self, masks: Tensor, invert: bool) -> Tensor:
        return torch.tensor([1.0, 0.25])[:, None, None] * (0 if invert else 1) + 0 * masks[None, ..., 0]


def test_under_several_infills_the_logarithms_are_averaged() -> None:
    expected = -torch.tensor([0.25]).log() / 2 + 2 * LADDER[0]
    torch.testing.assert_close(bargain(Unlike(), _apart().region, 1.0), expected)


def test_cells_are_cut_in_the_gap_at_about_the_wanted_area() -> None:
    logits = torch.linspace(1, -1, 100)[None] + (torch.arange(100) < 21)[None]
    (mask,) = cut_at(logits, torch.tensor([[0.2]]), 0.1)
    assert (mask >= 0.5).sum(-1).tolist() == [21]
    torch.testing.assert_close(mask[0, 20] + mask[0, 21], torch.tensor(1.0), rtol=0, atol=1e-3)


@pytest.mark.parametrize("jump", [18, 22])
def test_a_gap_counts_as_far_as_a_tenth_of_the_area(jump: int) -> None:
    logits = torch.linspace(1, -1, 100)[None] + (torch.arange(100) < jump)[None]
    (mask,) = cut_at(logits, torch.tensor([[0.2]]), 0.1)
    assert (mask >= 0.5).sum(-1).tolist() == [jump]


@pytest.mark.parametrize(("count", "area", "held"), [(4, 0.99, 3), (4, 0.01, 1), (2, 0.5, 1), (1, 0.5, 1)])
def test_a_cut_leaves_one_cell_on_either_side_if_there_are_two(count: int, area: float, held: int) -> None:
    (mask,) = cut_at(torch.linspace(1, -1, count)[None], torch.tensor([[area]]), 0.1)
    assert (mask >= 0.5).sum(-1).tolist() == [held]


def test_cells_of_one_value_are_all_in() -> None:
    assert (cut_at(torch.zeros(1, 6), torch.tensor([[0.3, 0.6]]), 0.1) >= 0.5).all()


def test_the_softness_is_the_width_of_the_edge() -> None:
    (mask,) = cut_at(torch.tensor([[3.0, -1.0]]), torch.tensor([[0.5]]), 2.0)
    torch.testing.assert_close(mask[0], torch.sigmoid(torch.tensor([1.0, -1.0])), rtol=0, atol=1e-3)


FALLING = 2.0 ** -torch.arange(8.0)
COUNTS = torch.tensor([[1, 3, 8], [4, 0, 2]])


def _recut() -> tuple[Tensor, Tensor]:
    """Masks cut to 1, 3 and 8 of 8 cells for SSR, 4, 0 and 2 for SDR, in the order of `FALLING`; details."""
    wanted = torch.where(torch.arange(8) < COUNTS[..., None], 0.5, 0.4).flip(-1)
    detail = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    return recut(Order(FALLING.expand(2, 3, 8), detail), wanted), detail


def test_another_order_is_cut_to_the_same_number_of_cells() -> None:
    masks, _ = _recut()
    held = masks >= 0.5
    assert torch.equal(held.sum(-1), COUNTS)
    assert torch.equal(held, torch.arange(8) < COUNTS[..., None])
    assert masks[1, 1].eq(0).all()


def test_a_mask_is_a_soft_edge_that_falls_to_zero_at_the_middle_cell_with_details() -> None:
    masks, detail = _recut()
    for mask, row in ((0, 0), (0, 1), (1, 0), (0, 2)):
        count = int(COUNTS[mask, row])
        cut = (FALLING[count - 1] + FALLING[min(count, 7)]) / 2
        edge = torch.sigmoid((FALLING - cut) / SOFTNESS)
        floor = min(0.25, edge.sort().values[3].item())
        told = torch.sigmoid(RARE[0] * (detail[row] / detail[row].pow(2).mean().sqrt() - RARE[1]))
        inside = 0.5 + (edge - 0.5) * (1 - DETAIL * (1 - told))
        height = 0.5 * ((edge - floor) / (0.5 - floor)).clamp(min=0)
        details = (0.5 - height) * DETAIL * told * (edge < 0.5)
        scale = TAIL * (inside * (edge >= 0.5)).sum() / details.sum().clamp(min=LEAST)
        outside = height + details * scale.clamp(max=1)
        torch.testing.assert_close(masks[mask, row], torch.where(edge >= 0.5, inside, outside))


def test_details_outside_a_small_region_add_up_to_a_tenth_of_it() -> None:
    detail = torch.randn(1, 4000, generator=torch.Generator().manual_seed(0))
    region = torch.full((2, 1, 4000), -0.05)
    region[..., :10] = 20.0
    mask = recut(Order(region, detail), (torch.arange(4000) < 10).float().expand(2, 1, -1))[0, 0]
    assert mask[10:].sum() / mask[:10].sum() == pytest.approx(TAIL, rel=1e-3)
    assert torch.equal(mask[10:].argsort(), detail[0, 10:].argsort())


def test_lost_is_what_is_gone_of_what_the_infill_takes_away() -> None:
    bare = torch.tensor([[0.0, 0.125, CHANCE, 0.9, -0.2]])
    left = torch.tensor([[[0.25], [0.125], [1.0], [CHANCE], [0.0]]])
    torch.testing.assert_close(lost(left, bare)[0, :, 0], torch.tensor([0.75, 1.0, 0.0, 1.0, 1.0]))


def test_sdr_gains_nothing_by_leaving_less_than_the_infill_alone() -> None:
    class Against(Known):
        """Without a tenth of the image an eighth is left, as under the infill alone; without a third, 0."""

        bare = torch.full((1, 1), 0.125)

        def shares(self, masks: Tensor, invert: bool) -> Tensor:
            there = super().shares(masks, invert)
            areas = (masks >= 0.5).float().mean(-1)[None]
            return torch.where(areas > 0.3, 0.0, there.clamp(min=0.125)) if invert else there

    _, sdr = calibrate(Against(0.1, 0.1), _apart(), 0.1)[:, 0] >= 0.5
    assert 0.085 < sdr.float().mean() < 0.13


def _cut(detail: Tensor) -> Tensor:
    ramp = torch.linspace(-1.7, 1.7, 400) ** 3
    region = ((ramp - ramp.mean()) / ramp.std(correction=0)).expand(2, 1, -1)
    return calibrate(Known(0.1, 0.1), Order(region, detail), 0.7)[0, 0]


def test_what_does_not_matter_is_at_zero_and_the_middle_of_the_region_near_one() -> None:
    mask = _cut(torch.linspace(-1, 1, 400)[None])
    assert mask[:200].max() < 0.02
    assert mask[-1] > 0.9
    assert ((mask >= 0) & (mask <= 1)).all()


def test_details_rank_the_background_and_never_cross_the_cut() -> None:
    wave = torch.sin(torch.arange(400.0))[None]
    plain, detailed = _cut(torch.zeros(1, 400)), _cut(wave)
    assert torch.equal(plain >= 0.5, detailed >= 0.5)
    background = detailed[:190]
    assert torch.equal(background.argsort(), wave[0, :190].argsort())
    assert (detailed - plain).abs().max() <= DETAIL / 2 + 1e-6
