"""What several starts agree on: which part of the cut it is, and how it is drawn."""

import dataclasses

import pytest
import torch
from matplotlib.figure import Figure

from captum_scd import FIDOMasks, visualization
from captum_scd.visualization.agreement import ALL, SOME, agreed, agreement_key

SIDE, CELLS = 64, 16


def _masks(agreement: torch.Tensor | None = None) -> FIDOMasks:
    """A region of the left and the middle; cells as they come from a mask that is not quite hard."""
    cells = torch.full((1, 1, CELLS, CELLS), 0.1)
    cells[..., 4:12, 2:12] = 0.95
    return FIDOMasks(cells, cells, size=(SIDE, SIDE), agreement_cells=agreement)


def _halves() -> torch.Tensor:
    """All of four starts outline the left part of the region, three of them the rest."""
    shares = torch.zeros(1, 1, CELLS, CELLS)
    shares[..., 4:12, 2:7], shares[..., 4:12, 7:12] = 1, 0.75
    return shares


def test_starts_that_agree_leave_no_rim_of_doubt() -> None:
    masks = _masks((_halves() > 0).float())
    assert torch.equal(agreed(masks, 0.5), masks.threshold(0.5, "ssr")[0, 0])


def test_starts_that_never_agree_share_nothing() -> None:
    assert not agreed(_masks(0.75 * (_halves() > 0)), 0.5).any()
    assert not agreed(_masks(torch.zeros(1, 1, CELLS, CELLS)), 0.5).any()


def test_what_is_shared_ends_between_the_cells() -> None:
    masks = _masks(_halves())
    shared, region = agreed(masks, 0.5), masks.threshold(0.5, "ssr")[0, 0]
    columns = torch.arange(SIDE) < 7 * SIDE // CELLS
    assert torch.equal(shared, region & columns)


def test_what_starts_share_beyond_the_cut_is_no_part_of_it() -> None:
    masks = _masks(torch.ones(1, 1, CELLS, CELLS))
    assert torch.equal(agreed(masks, 0.5), masks.threshold(0.5, "ssr")[0, 0])


def test_the_two_lines_go_around_what_they_say() -> None:
    image = torch.rand(3, SIDE, SIDE)
    _, axes = visualization.masks_figure(image, image, _masks(_halves()))
    casing, broken, _, whole = axes[0, 1].collections
    right = [max(path.vertices[:, 0].max() for path in line.get_paths()) for line in (broken, whole)]
    assert 46 < right[0] < 48.5
    assert 26.5 < right[1] < 28.5
    assert broken.get_linestyle() != whole.get_linestyle()
    assert broken.get_linewidth()[0] < whole.get_linewidth()[0]
    assert casing.get_edgecolor().tolist() == [[0, 0, 0, 1]]


def test_the_share_that_all_starts_outline_is_told() -> None:
    image, masks = torch.rand(3, SIDE, SIDE), _masks(_halves())
    figure, axes = visualization.masks_figure(image, image, masks)
    region, shared = masks.threshold(0.5, "ssr").float().mean(), agreed(masks, 0.5).float().mean()
    assert axes[0, 1].get_xlabel() == f"{region:.1%} outlined, {shared:.1%} by all starts"
    keys = {line.get_label(): line.get_linestyle() for line in figure.legends[0].legend_handles}
    assert keys == {"SSR, all starts agree": ALL.style, "SSR, not all": SOME.style}


def test_one_start_is_drawn_as_before() -> None:
    image = torch.rand(3, SIDE, SIDE)
    figure, axes = visualization.masks_figure(image, image, _masks())
    compared, _ = visualization.masks_figure(image, image, _masks(_halves()))
    assert figure.legends == []
    assert len(axes[0, 1].collections) == len(axes[0, 2].collections) == 2
    assert axes[0, 1].get_xlabel().endswith("% of the image outlined")
    assert figure.get_size_inches()[1] < compared.get_size_inches()[1]


def test_an_empty_cut_is_drawn() -> None:
    zero = torch.zeros(1, 1, CELLS, CELLS)
    masks = dataclasses.replace(_masks(zero), ssr_cells=zero)
    image = torch.rand(3, SIDE, SIDE)
    _, axes = visualization.masks_figure(image, image, masks)
    assert len(axes[0, 1].collections) == 0


def test_the_key_stands_where_it_is_put() -> None:
    figure = Figure((8, 2))
    agreement_key(figure, 0.5)
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert (box.y0 + box.y1) / 2 / figure.dpi == pytest.approx(2 - 0.5, abs=0.01)
