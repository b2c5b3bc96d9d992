"""How masks formed: noted on the way, without a trace in the result."""

import pytest
import torch
from models import Additive, PlantedPatch
from quick import explain
from torch import Tensor, nn

from captum_scd.calibration import Order, recut
from captum_scd.trajectory import Trajectory


def _run(net: nn.Module, images: Tensor, **options):
    return explain(net, images, **{"n_iterations": 8, "return_masks": True, **options})


@pytest.mark.parametrize("every", [1, 3])
def test_the_masks_do_not_depend_on_it(net: nn.Module, images: Tensor, every: int) -> None:
    (kept, kept_masks), (plain, plain_masks) = (_run(net, images, trajectory=n) for n in (every, 0))
    assert torch.equal(kept, plain)
    for name in ("ssr_cells", "sdr_cells", "infill"):
        assert torch.equal(getattr(kept_masks, name), getattr(plain_masks, name))
    assert all(
        torch.equal(kept_masks.history[name], plain_masks.history[name]) for name in plain_masks.history
    )


def test_nothing_is_kept_unless_asked_for(net: nn.Module, images: Tensor) -> None:
    assert dict(_run(net, images)[1].trajectory) == {}


@pytest.mark.parametrize(("every", "frames"), [(1, 8), (3, 3), (4, 2), (5, 2), (8, 1), (100, 1)])
def test_frames_come_every_so_many_iterations_and_at_the_end(net, images, every: int, frames: int) -> None:
    _, masks = _run(net, images, trajectory=every)
    assert set(masks.trajectory) == {"ssr_cells", "sdr_cells"}
    for name, values in masks.trajectory.items():
        assert values.shape == (frames, *getattr(masks, name).shape)
        assert torch.equal(values[-1], getattr(masks, name))
        assert ((values >= 0) & (values <= 1)).all()
        assert not values.requires_grad


def test_every_frame_has_the_area_of_the_finished_masks(net: nn.Module, images: Tensor) -> None:
    _, masks = _run(net, images, trajectory=1)
    for values in masks.trajectory.values():
        areas = (values >= 0.5).flatten(2).sum(2)
        assert torch.equal(areas, areas[-1:].expand_as(areas))


def test_a_shorter_trajectory_is_part_of_a_longer_one(net: nn.Module, images: Tensor) -> None:
    all_of_it, some = (_run(net, images, trajectory=every)[1].trajectory for every in (1, 3))
    for name, values in some.items():
        assert torch.equal(values, all_of_it[name][[2, 5, 7]])


def test_the_planted_patch_is_approached() -> None:
    bright = torch.full((1, 1, 10, 12), 0.9)
    options = {"n_iterations": 30, "mask_size": 10, "strategies": {"infill": "constant"}, "trajectory": 5}
    _, masks = _run(PlantedPatch().eval(), bright, **options)
    inside = PlantedPatch.region(10, 12)[0]
    found = [(frame[0] >= 0.5)[inside].float().mean().item() for frame in masks.trajectory["ssr_cells"]]
    assert found[-1] >= found[0]
    assert found[-1] > 0.6


def test_inputs_of_any_kind_have_frames_of_their_masks_shape(net: nn.Module, images: Tensor) -> None:
    _, tabular = _run(Additive().eval(), torch.ones(2, 6), trajectory=3)
    assert tabular.trajectory["sdr_cells"].shape == (3, 2, 6)
    groups = torch.arange(12).view(1, 1, 12, 1).expand(1, 1, 12, 10)
    _, grouped = _run(net, images, trajectory=3, feature_mask=groups)
    assert grouped.trajectory["ssr_cells"].shape == (3, 3, 1, 12, 10)
    _, (first, second) = _run(
        lambda x, y: net(x) + net(y), (images, images.flip(0)), trajectory=3, baselines=(0.0, 0.0)
    )
    for masks in (first, second):
        assert torch.equal(masks.trajectory["ssr_cells"][-1], masks.ssr_cells)
    assert not torch.equal(first.trajectory["ssr_cells"], second.trajectory["ssr_cells"])


def test_logits_of_any_form_are_cut_to_the_wanted_area() -> None:
    draw = torch.Generator().manual_seed(0)
    logits, masks = torch.randn(2, 3, 20, generator=draw), torch.rand(2, 3, 20, generator=draw)
    order = Order(logits, logits.sum(0))
    again = recut(order, masks)
    count = (masks >= 0.5).sum(-1)
    assert torch.equal((again >= 0.5).sum(-1), count)
    assert torch.equal(recut(order, again), again)
    for found, wanted, few in zip(again.flatten(0, 1), logits.flatten(0, 1), count.flatten(), strict=True):
        assert set((found >= 0.5).nonzero().flatten().tolist()) == set(wanted.topk(int(few)).indices.tolist())
    single = Order(logits[..., :1], logits[0, :, :1])
    assert recut(single, torch.ones(2, 3, 1)).eq(0.5).all()
    assert recut(single, torch.zeros(2, 3, 1)).eq(0).all()
    flat = torch.zeros(2, 1, 5)
    assert recut(Order(flat, flat[0]), flat).isfinite().all()


def test_a_note_is_a_copy() -> None:
    logits = torch.zeros(2, 1, 4)
    trajectory = Trajectory(1)
    trajectory(1, logits)
    logits += 1
    assert trajectory.notes[1].eq(0).all()
