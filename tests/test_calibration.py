"""The cut, on a network whose sufficient and destroying areas are known."""

import pytest
import torch
from models import PlantedPatch
from torch import Tensor

from captum_scd.calibration import calibrate
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


def _areas(area_weight: float) -> list[float]:
    cells = calibrate(Trials(_composites(), torch.sigmoid), _patch_first(), area_weight)
    return (cells >= 0.5).float().mean((1, 2)).tolist()


def test_both_masks_take_the_planted_patch() -> None:
    assert _areas(1.0) == pytest.approx([12 / 120] * 2, abs=1.01 / 120)


def test_the_dearer_the_area_the_smaller_the_regions() -> None:
    sizes = torch.tensor([_areas(weight) for weight in (0.0, 1.0, 10.0, 1000.0)])
    assert (sizes.diff(dim=0) <= 0).all()
    assert (sizes[-1] < sizes[0]).all()
    torch.testing.assert_close(sizes[-1], torch.full((2,), 1 / 120))


def test_the_order_of_the_cells_is_kept() -> None:
    logits = _patch_first()
    cells = calibrate(Trials(_composites(), torch.sigmoid), logits, 1.0)
    for mask, order in zip(cells, logits, strict=True):
        assert torch.equal(mask.argsort(stable=True), order.argsort(stable=True))


def test_a_score_without_a_scale_is_measured_between_infill_and_input() -> None:
    torch.testing.assert_close(
        calibrate(Trials(_composites(), None), _patch_first(), 1.0)[0] >= 0.5,
        calibrate(Trials(_composites(), torch.sigmoid), _patch_first(), 1.0)[0] >= 0.5,
    )
