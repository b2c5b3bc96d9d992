"""The history that is drawn is the history that was kept."""

import numpy as np
import pytest
import torch
from panels import entries, name, overlaps, words

from captum_scd import FIDOMasks
from captum_scd.visualization import history_figure


def _masks(count: int = 3, steps: int = 7) -> FIDOMasks:
    cells = torch.zeros(count, 1, 2, 2)
    draw = torch.Generator().manual_seed(0)
    names = [f"{mask}_{measure}" for mask in ("ssr", "sdr") for measure in ("score", "area", "tv")]
    return FIDOMasks(
        cells, cells, (4, 4), history={key: torch.rand(steps, count, generator=draw) for key in names}
    )


def test_each_measure_has_a_plot_with_a_line_for_each_mask() -> None:
    masks = _masks()
    _, axes = history_figure(masks)
    assert [name(axis) for axis in axes] == ["Score", "Share of the image", "Total variation"]
    for axis, measure in zip(axes, ("score", "area", "tv"), strict=True):
        for line, mask in zip(axis.lines, ("ssr", "sdr"), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), range(1, 8))
            np.testing.assert_allclose(
                line.get_ydata(), masks.history[f"{mask}_{measure}"].mean(1), rtol=1e-6
            )
    assert entries(axes[0]) == ["SSR", "SDR"]


def test_one_image_has_lines_without_bands() -> None:
    figure, axes = history_figure(_masks()[1], "How it went")
    assert not any(axis.collections for axis in axes)
    assert words(figure)[0] == "How it went"
    assert overlaps(figure) == []


def test_masks_without_history_are_answered_in_one_sentence() -> None:
    bare = FIDOMasks(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), (4, 4))
    with pytest.raises(ValueError, match=r"Expected masks with history .*, but got"):
        history_figure(bare)
