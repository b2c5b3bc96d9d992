"""Masks: combined, cut, boxed, kept in files."""

import io
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator

from captum_scd import FIDOMasks, metrics
from captum_scd.verdict import judged

ARRAYS = ("ssr_cells", "sdr_cells", "infill", "agreement_cells")
VERDICT = (
    judged(0.97, 0.03, 0.0, 0.8, 0.9, depends=True),
    judged(0.2, 0.03, 0.0, float("nan"), 0.9, depends=True),
)


def _random_masks(
    infill_dtype: torch.dtype = torch.float32, cells: tuple[int, ...] = (4, 3), size=(9, 7)
) -> FIDOMasks:
    draw = Generator().manual_seed(0)
    return FIDOMasks(
        torch.rand(2, 1, *cells, generator=draw),
        torch.rand(2, 1, *cells, generator=draw),
        size,
        torch.randn(2, 3, *size, generator=draw).to(infill_dtype),
        {"loss": torch.randn(5, 2, generator=draw), "ssr_area": torch.rand(5, 2, generator=draw)},
        {"seed": 7, "infill": "blur", "mask_size": [4, 3], "tolerance": 0.0, "internal_batch_size": None},
        trajectory={name: torch.rand(3, 2, 1, *cells, generator=draw) for name in ("ssr_cells", "sdr_cells")},
        verdict=VERDICT,
        agreement_cells=torch.rand(2, 1, *cells, generator=draw),
    )


def _planted(*boxes: tuple[int, int, int, int]) -> FIDOMasks:
    cells = torch.zeros(len(boxes), 1, 9, 7)
    for mask, (x0, y0, x1, y1) in zip(cells, boxes, strict=True):
        mask[:, y0:y1, x0:x1] = 0.8
    return FIDOMasks(cells, cells, size=(9, 7))


def _archive(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["ssr", "sdr", "joint"])
@pytest.mark.parametrize(
    ("cells", "size"), [((4, 3), (9, 7)), ((5,), (30,)), ((2, 2, 2), (3, 4, 5))], ids=str
)
def test_masks_have_the_size_of_the_input(mode: str, cells, size) -> None:
    mask = _random_masks(cells=cells, size=size).mask(mode)
    assert mask.shape == (2, 1, *size)
    assert mask.min() >= 0
    assert mask.max() <= 1


def test_joint_is_the_geometric_mean() -> None:
    masks = _random_masks()
    torch.testing.assert_close(masks.joint**2, masks.ssr * masks.sdr)


@pytest.mark.parametrize("size", [(11, 13), (30, 57), (97, 61)], ids=str)
def test_saturated_cells_never_round_beyond_one(size) -> None:
    cells = torch.ones(1, 1, 7, 7)
    masks = FIDOMasks(cells, cells, size)
    assert all(masks.mask(mode).max() <= 1 for mode in ("ssr", "sdr", "joint"))
    assert metrics.area(masks.joint) == pytest.approx(1)


def test_threshold_is_inclusive() -> None:
    cells = torch.tensor([[[[0.49, 0.5, 0.51]]]])
    masks = FIDOMasks(cells, 1 - cells, size=(1, 3))
    assert masks.threshold(0.5, "ssr").flatten().tolist() == [False, True, True]


@pytest.mark.parametrize("call", [lambda m: m.mask("both"), lambda m: m.threshold(mode="SSR")])
def test_an_unknown_mode_is_answered_with_the_modes(call) -> None:
    with pytest.raises(ValueError, match="Expected `mode` to be one of 'joint', 'ssr', 'sdr', but got"):
        call(_random_masks())


def test_bounding_boxes_are_those_of_planted_rectangles() -> None:
    boxes = (2, 3, 5, 8), (0, 0, 7, 9), (6, 8, 7, 9), (0, 4, 1, 5)
    assert _planted(*boxes).bounding_box(0.5).tolist() == [list(box) for box in boxes]


@pytest.mark.parametrize("mode", ["joint", "ssr", "sdr"])
def test_a_box_crops_to_what_reaches_the_threshold(mode: str) -> None:
    x0, y0, x1, y1 = _planted((2, 3, 5, 8)).bounding_box(mode=mode)[0].tolist()
    crop = _planted((2, 3, 5, 8)).joint[..., y0:y1, x0:x1]
    assert (crop >= 0.5).all()
    assert crop.numel() == 15


def test_a_box_around_nothing_is_all_zero_and_spares_its_neighbours() -> None:
    masks = _planted((0, 0, 0, 0), (2, 3, 5, 8))
    assert masks.bounding_box().tolist() == [[0, 0, 0, 0], [2, 3, 5, 8]]
    assert masks.bounding_box(threshold=0.9).tolist() == [[0] * 4] * 2


def test_boxes_are_for_images_only() -> None:
    with pytest.raises(ValueError, match="Expected masks of images"):
        _random_masks(cells=(5,), size=(30,)).bounding_box()


@pytest.mark.parametrize(
    ("index", "rows"), [(0, [0]), (1, [1]), (-1, [1]), (slice(None), [0, 1]), (slice(1, 2), [1])], ids=str
)
def test_examples_are_selected_with_their_history(index, rows: list[int]) -> None:
    masks = _random_masks()
    part = masks[index]
    assert len(part) == len(rows)
    assert all(torch.equal(getattr(part, name), getattr(masks, name)[rows]) for name in ARRAYS)
    assert torch.equal(part.history["loss"], masks.history["loss"][:, rows])
    assert torch.equal(part.trajectory["sdr_cells"], masks.trajectory["sdr_cells"][:, rows])
    assert [one.line for one in part.verdict] == [VERDICT[row].line for row in rows]
    assert part.seed == 7


def test_examples_nobody_judged_are_selected_too() -> None:
    part = _planted((0, 0, 1, 1), (2, 3, 5, 8))[1]
    assert part.verdict == ()
    assert part.agreement_cells is None


@pytest.mark.parametrize("count", [1, 3])
def test_verdicts_for_other_than_all_examples_are_turned_down(count: int) -> None:
    cells = torch.rand(2, 1, 4, 4)
    with pytest.raises(ValueError, match=f"Expected a verdict for each of 2 examples, .* but got {count}"):
        FIDOMasks(cells, cells, size=(8, 8), verdict=VERDICT[:1] * count)


def test_agreement_has_the_size_of_the_input() -> None:
    agreement = _random_masks().agreement
    assert agreement.shape == (2, 1, 9, 7)
    assert 0 <= agreement.min() < agreement.max() <= 1


def test_one_start_agrees_with_none() -> None:
    assert _planted((0, 0, 1, 1)).agreement is None


def test_iterating_gives_each_example_once() -> None:
    masks = _random_masks()
    assert [torch.equal(one.ssr_cells, masks.ssr_cells[i : i + 1]) for i, one in enumerate(masks)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("index", [2, -3])
def test_an_index_beyond_the_batch_is_an_index_error(index: int) -> None:
    with pytest.raises(IndexError):
        _random_masks()[index]


def test_moving_moves_every_tensor() -> None:
    masks = _random_masks().to("meta")
    assert {getattr(masks, name).device.type for name in ARRAYS} == {"meta"}
    assert masks.verdict == VERDICT
    assert {values.device.type for values in masks.history.values()} == {"meta"}
    assert {values.device.type for values in masks.trajectory.values()} == {"meta"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_saved_file_loads_to_the_same_masks(tmp_path: Path, dtype: torch.dtype) -> None:
    masks = _random_masks(dtype)
    masks.save(tmp_path / "masks.npz")
    loaded = FIDOMasks.load(str(tmp_path / "masks.npz"))
    for name in ARRAYS:
        torch.testing.assert_close(getattr(loaded, name), getattr(masks, name), rtol=0, atol=0)
    torch.testing.assert_close(dict(loaded.history), dict(masks.history), rtol=0, atol=0)
    torch.testing.assert_close(dict(loaded.trajectory), dict(masks.trajectory), rtol=0, atol=0)
    assert (loaded.size, loaded.settings, loaded.version) == (masks.size, masks.settings, masks.version)
    assert [one.to_dict() for one in loaded.verdict] == [one.to_dict() for one in VERDICT]
    assert torch.equal(loaded.joint, masks.joint)


def test_a_file_without_verdict_holds_no_word_of_it(tmp_path: Path) -> None:
    """As a file that was written before there were verdicts."""
    _planted((0, 0, 1, 1)).save(tmp_path / "masks.npz")
    with np.load(tmp_path / "masks.npz") as archive:
        assert set(archive.files) == {"header", "ssr_cells", "sdr_cells"}
        assert "verdict" not in json.loads(str(archive["header"]))
    assert FIDOMasks.load(tmp_path / "masks.npz").verdict == ()


def test_masks_without_infill_and_history_load_too(tmp_path: Path) -> None:
    cells = torch.rand(1, 6)
    FIDOMasks(cells, cells, size=()).save(tmp_path / "masks")
    loaded = FIDOMasks.load(tmp_path / "masks")
    assert loaded.infill is None
    assert loaded.agreement_cells is None
    assert loaded.verdict == ()
    assert loaded.history == loaded.trajectory == {}
    assert torch.equal(loaded.joint, cells)


def test_masks_on_a_graph_are_saved_by_value(tmp_path: Path) -> None:
    cells = torch.rand(1, 1, 2, 2).requires_grad_()
    FIDOMasks(cells, cells, size=(4, 4)).save(tmp_path / "masks.npz")
    assert torch.equal(FIDOMasks.load(tmp_path / "masks.npz").ssr_cells, cells)


def test_a_failed_save_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "masks.npz"
    _random_masks().save(path)
    before = path.read_bytes()

    def break_off(file, **arrays) -> None:
        file.write(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", break_off)
    with pytest.raises(OSError, match="disk full"):
        _planted((0, 0, 1, 1)).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_called_damaged(tmp_path: Path, share: float) -> None:
    path = tmp_path / "masks.npz"
    _random_masks().save(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"Expected .*masks.npz to be"):
        FIDOMasks.load(path)


def test_a_file_with_any_byte_changed_is_rejected_or_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "masks.npz"
    masks = _random_masks()
    masks.save(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 13):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        loaded = _load_or_none(path)
        assert loaded is None or torch.equal(loaded.ssr_cells, masks.ssr_cells)


def _load_or_none(path: Path) -> FIDOMasks | None:
    with suppress(ValueError):
        return FIDOMasks.load(path)
    return None


FOREIGN = {
    "text": b"hello",
    "pickle": b"\x80\x04K\x01.",
    "no header": _archive(weights=np.ones(3)),
    "header of numbers": _archive(header=np.array(5)),
    "header of words": _archive(header=np.array("hello")),
    "header of a list": _archive(header=np.array("[1]")),
    "header of another format": _archive(header=np.array(json.dumps({"format": "other 1"}))),
    "header alone": _archive(header=np.array(json.dumps({"format": "captum_scd masks 1"}))),
    "pickled objects": _archive(header=np.array(["x", {}], dtype=object)),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=list(FOREIGN))
def test_a_foreign_file_is_rejected_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "masks.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"Expected .*masks.npz to be"):
        FIDOMasks.load(path)


def test_a_lone_numpy_array_is_rejected_in_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.ones(3))
    with pytest.raises(ValueError, match=r"Expected .*array.npy to be"):
        FIDOMasks.load(tmp_path / "array.npy")


def test_a_missing_file_is_a_file_not_found_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FIDOMasks.load(tmp_path / "nothing.npz")


class _Trap:
    def __reduce__(self):
        return Path.touch, (Path("sprung"),)


def test_no_code_in_a_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "masks.npz").write_bytes(_archive(header=np.array([_Trap()], dtype=object)))
    with pytest.raises(ValueError, match="Expected"):
        FIDOMasks.load("masks.npz")
    assert not (tmp_path / "sprung").exists()
