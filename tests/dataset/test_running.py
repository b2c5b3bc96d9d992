import dataclasses
import functools
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from models import Watched
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from captum_scd import FIDOAttribution
from captum_scd.dataset import Outcome, Sample, explain_dataset
from captum_scd.store import MaskStore, verify
from captum_scd.verdict import AGREEMENT, judged

Run = Callable[..., Outcome]

QUICK: dict[str, Any] = {"n_iterations": 2, "mask_size": 4, "show_progress": False}


class Thirds(nn.Module):
    """The mean of each third of the columns, as three logits."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(5.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.gain * torch.stack([part.mean((1, 2, 3)) for part in x.tensor_split(3, dim=3)], dim=1)


def picture(number: int, width: int = 12) -> Tensor:
    return torch.rand(3, 12, width, generator=torch.Generator().manual_seed(number))


def pictures(count: int) -> list[tuple[str, Tensor]]:
    return [(f"image {number}", picture(number, 12 if number % 3 else 9)) for number in range(count)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "masks.zarr"


@pytest.fixture
def run(place: Path) -> Run:
    def over(dataset: Any, model: Any = None, store: Any = place, **options: Any) -> Outcome:
        return explain_dataset(model or Thirds().eval(), dataset, store, **{**QUICK, **options})

    return over


def test_masks_are_those_of_the_method_alone(run: Run, place: Path) -> None:
    model, dataset = Thirds().eval(), pictures(7)
    assert run(dataset, model, seed=3, batch_size=2, part_size=5) == Outcome(7, 0, {})
    store = MaskStore.open(place)
    for key, image in dataset:
        target = int(model(image[None]).argmax())
        entry = store.entry(key)
        assert entry.target == entry.predicted == target
        _, alone = FIDOAttribution(model).attribute(
            image[None], target=target, seed=3, n_iterations=2, mask_size=4, return_masks=True
        )
        assert (entry.masks.joint - alone.joint).abs().max() <= 1 / 255 + 1e-4
        infill = alone.infill
        kept = torch.where(alone.threshold(0.5, "ssr"), image[None], infill)
        left = torch.where(alone.threshold(0.5, "sdr"), infill, image[None])
        chances = model(torch.cat([image[None], kept, left])).softmax(1)[:, target]
        told = [entry.probability[name] for name in ("image", "ssr", "sdr")]
        assert told == pytest.approx(chances.tolist(), abs=1e-4)
        assert entry.areas["ssr"] == pytest.approx(
            alone.threshold(0.5, "ssr").float().mean().item(), abs=1e-5
        )


def test_each_image_keeps_its_own_verdict(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attribute = FIDOAttribution.attribute

    @functools.wraps(attribute)
    def judging(self: Any, inputs: Tensor, *arguments: Any, **options: Any) -> Any:
        attribution, masks = attribute(self, inputs, *arguments, **options)
        agreements = inputs[:, 0, 0, 0].tolist()
        verdict = tuple(judged(0.97, 0.03, 0.01, agreement, 0.9, True) for agreement in agreements)
        return attribution, dataclasses.replace(masks, verdict=verdict)

    monkeypatch.setattr(FIDOAttribution, "attribute", judging)
    dataset = pictures(5)
    run(dataset, batch_size=2, part_size=5)
    store = MaskStore.open(place)
    for key, image in dataset:
        (verdict,) = store[key].verdict
        assert verdict.agreement == pytest.approx(image[0, 0, 0].item(), rel=1e-5)
        assert verdict.trusted == (image[0, 0, 0] >= AGREEMENT)


def test_rows_of_several_images_share_passes(run: Run) -> None:
    alone, together = Watched(Thirds().eval()), Watched(Thirds().eval())
    run([(str(n), picture(n)) for n in range(8)], alone.eval(), batch_size=1)
    run([(f"{n} again", picture(n)) for n in range(8)], together.eval(), batch_size=8)
    assert sum(alone.rows) == sum(together.rows)
    assert len(together.rows) < len(alone.rows) / 4


class Numbered(Dataset[tuple[str, Tensor, int]]):
    """A torch data set whose fourth item cannot be read."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, number: int) -> tuple[str, Tensor, int]:
        if number == 3:
            raise OSError("cut short")
        return f"image {number}", picture(number), number % 3


class Whole(Numbered):
    def __getitem__(self, number: int) -> tuple[str, Tensor, int]:
        return f"image {number}", picture(number), number % 3


@pytest.mark.parametrize(
    "dataset",
    [
        Whole(),
        DataLoader(Whole(), batch_size=None),
        DataLoader(Whole(), batch_size=4),
        (Whole()[number] for number in range(6)),
        [Sample(f"image {n}", lambda n=n: picture(n), n % 3) for n in range(6)],
    ],
    ids=["dataset", "loader", "batches", "generator", "samples"],
)
def test_data_sets_of_any_kind_give_the_same(run: Run, place: Path, dataset: Any) -> None:
    assert run(dataset) == Outcome(6, 0, {})
    store = MaskStore.open(place)
    assert {key: store.entry(key).target for key in store} == {f"image {n}": n % 3 for n in range(6)}
    assert list(store) == [f"image {n}" for n in range(6)]


def test_what_cannot_be_loaded_or_explained_is_a_failure(run: Run, place: Path) -> None:
    def unreadable() -> Tensor:
        raise OSError("cut\nshort")

    bad = {
        "unreadable": (unreadable, "it cannot be loaded (OSError: cut short)"),
        "no tensor": ("path.jpg", "it is a str, not a tensor"),
        "nan": (torch.full((3, 12, 12), torch.nan), "NaN or infinity"),
        "integers": (torch.ones(3, 12, 12, dtype=torch.uint8), "explaining it raised"),
        "empty": (torch.ones(3, 12, 0), "NaN or infinity"),
    }
    good = [(f"good {n}", picture(n)) for n in range(3)]
    dataset = [(key, image) for key, (image, _) in bad.items()] + good + [("outside", picture(0), 7)]
    outcome = run(dataset, batch_size=4)
    assert (outcome.done, outcome.skipped) == (3, 0)
    assert set(outcome.failed) == {*bad, "outside"}
    for key, (_, why) in bad.items():
        assert why in outcome.failed[key]
    store = MaskStore.open(place)
    assert sorted(store) == [key for key, _ in good]
    assert store.failures == outcome.failed


def test_an_item_that_raises_is_a_failure(run: Run) -> None:
    outcome = run(Numbered())
    assert outcome == Outcome(5, 0, {"item 3": "it cannot be loaded (OSError: cut short)"})


def test_what_failed_is_tried_again_and_again(run: Run, place: Path) -> None:
    images: dict[str, Tensor] = {}
    dataset = [Sample(str(n), lambda n=n: images[str(n)]) for n in range(4)]
    assert run(dataset).done == 0
    for done in ({"0"}, {"1", "2"}, {"3"}):
        images.update({key: picture(int(key)) for key in done})
        assert run(dataset).done == len(done)
    assert run(dataset) == Outcome(0, 4, {})
    assert list(verify(MaskStore.open(place))) == []


def test_a_network_that_fails_always_ends_the_run(run: Run, place: Path) -> None:
    def fail(calls: int) -> None:
        raise RuntimeError("device is lost")

    with pytest.raises(RuntimeError, match=r"all failed; 'image 1': .*device is lost"):
        run(pictures(12), Watched(Thirds(), fail=fail).eval(), batch_size=4)
    assert len(MaskStore.open(place)) == 0


def test_a_data_set_that_breaks_off_keeps_the_parts_before(run: Run, place: Path) -> None:
    def broken() -> Iterator[tuple[str, Tensor]]:
        yield from pictures(5)
        raise OSError("the server is gone")

    with pytest.raises(OSError, match="the server is gone"):
        run(broken(), part_size=2)
    assert len(MaskStore.open(place)) == 4
    assert run(pictures(5), part_size=2) == Outcome(1, 4, {})


@pytest.mark.parametrize("part_size", [3, 64])
def test_a_key_that_comes_twice_is_refused(run: Run, place: Path, part_size: int) -> None:
    with pytest.raises(ValueError, match="'image 1' comes twice"):
        run([*pictures(5), ("image 1", picture(9))], part_size=part_size)
    assert len(MaskStore.open(place)) in (0, 3)


def test_images_that_are_done_are_not_loaded(run: Run) -> None:
    loaded: list[str] = []

    def sample(number: int) -> Sample:
        return Sample(str(number), lambda: (loaded.append(str(number)), picture(number))[1])

    run([sample(n) for n in range(6)], part_size=4)
    del loaded[:]
    assert run([sample(n) for n in range(8)], part_size=4) == Outcome(2, 6, {})
    assert sorted(loaded) == ["6", "7"]


def test_other_parts_and_an_order_of_their_own_make_nothing_twice(run: Run, place: Path) -> None:
    run(pictures(10), part_size=4)
    assert run(list(reversed(pictures(14))), part_size=3) == Outcome(4, 10, {})
    store = MaskStore.open(place)
    assert sum(len(store.read(batch)) for batch in store.batches) == len(store) == 14


@pytest.mark.parametrize("options", [{"n_iterations": 3}, {"method": {"infill": "mean"}}, {"classes": "abc"}])
def test_another_question_is_refused(run: Run, options: dict[str, Any]) -> None:
    run(pictures(1))
    with pytest.raises(ValueError, match="to be of the same settings, images and network"):
        run(pictures(2), **options)


def test_another_network_is_refused_but_not_other_batches(run: Run) -> None:
    run(pictures(1))
    other = Thirds().eval()
    with torch.no_grad():
        other.gain += 1
    with pytest.raises(ValueError, match="model is"):
        run(pictures(2), other)
    assert run(pictures(2), batch_size=3, internal_batch_size=1).done == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"n_iteration": 3}, "'n_iteration'"),
        ({"trajectory": 3}, "'trajectory'"),
        ({"alternatives": 1}, "'alternatives'"),
        ({"n_iterations": 0}, "n_iterations"),
        ({"batch_size": 0}, "batch_size"),
        ({"part_size": 0}, "part_size"),
        ({"workers": 0}, "workers"),
        ({"dataset": 3}, "a data set to iterate over"),
        ({"dataset": [picture(0)]}, "items of a data set"),
        ({"dataset": [(0, picture(0))]}, "items of a data set"),
        ({"model": 3}, "a network or a function"),
    ],
)
def test_bad_arguments_are_told(run: Run, options: dict[str, Any], told: str) -> None:
    with pytest.raises((ValueError, TypeError), match=told):
        run(**{"dataset": pictures(1), **options})


def test_a_store_to_read_is_refused(run: Run, place: Path) -> None:
    run(pictures(1))
    with pytest.raises(ValueError, match="open to append"):
        run(pictures(2), store=MaskStore.open(place))
    assert len(MaskStore.open(place)) == 1


def test_a_disk_that_is_full_is_told_and_the_store_still_opens(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zarr.storage import _local

    put, left = _local._put, 12

    def limited(path: Path, value: Any, exclusive: bool = False) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        return put(path, value, exclusive)

    with monkeypatch.context() as patch:
        patch.setattr(_local, "_put", limited)
        with pytest.raises(OSError, match="No space left on device; what was committed before is whole"):
            run(pictures(12), part_size=3)
    before = len(MaskStore.open(place))
    assert 0 < before < 12
    assert list(verify(MaskStore.open(place))) == []
    assert run(pictures(12), part_size=3) == Outcome(12 - before, before, {})


def test_the_model_and_the_random_state_are_left_alone(run: Run) -> None:
    model = Thirds().eval()
    state = torch.get_rng_state()
    run(pictures(3), model)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.gain.grad is None
    assert not model._forward_hooks


@pytest.mark.killed
def test_memory_does_not_grow_with_the_number_of_images(run: Run, tmp_path: Path) -> None:
    """After a few parts, each of 64 images adds its keys and what stands in the index: less than 20 kB."""

    def peak(count: int) -> int:
        small = ((f"image {number}", torch.rand(3, 16, 16)) for number in range(count))
        gc.collect()
        tracemalloc.start()
        run(small, store=tmp_path / f"{count}.zarr", n_iterations=1, batch_size=64)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(64)
    few, many = peak(320), peak(5000)
    assert many < few + 20_000 * (5000 - 320) / 64, (few, many)


@pytest.mark.parametrize(("asked", "count"), [("nearest", 2), (0, 1)])
def test_the_contrast_of_each_image_is_kept(run: Run, place: Path, asked: Any, count: int) -> None:
    model = Thirds().eval()
    dataset = [(key, image, 1) for key, image in pictures(5)]
    assert run(dataset, model, contrast_target=asked, batch_size=2).done == 5
    store = MaskStore.open(place)
    assert (store.identity["settings"]["score"], store.identity["settings"]["contrast_target"]) == (
        "contrast",
        asked,
    )
    for key, image, target in dataset:
        logits = model(image[None])[0].tolist()
        others = sorted({0, 2}, key=logits.__getitem__, reverse=True) if count == 2 else [0]
        entry, settings = store.entry(key), store[key].settings
        assert list(entry.look_alikes) == others
        assert (settings["score"], settings["target"], settings["contrast_target"]) == (
            "contrast",
            [target],
            [others],
        )
        again = FIDOAttribution(model).attribute(
            image[None], target=1, contrast_target=[others], n_iterations=2, mask_size=4
        )
        assert (store[key].joint - again[:, :1]).abs().max() <= 1 / 255 + 1e-4


@pytest.mark.parametrize("asked", [[1], [[1, 2]], "next", True, (1,)], ids=str)
def test_a_contrast_that_not_all_images_can_have_is_refused(run: Run, place: Path, asked: Any) -> None:
    with pytest.raises(TypeError, match="one class for all images or 'nearest'"):
        run(pictures(1), contrast_target=asked)
    assert not place.exists()


def test_a_contrast_beside_another_score_is_refused_before_the_run(run: Run, place: Path) -> None:
    with pytest.raises(ValueError, match="Expected no `contrast_target` beside score 'prob'"):
        run(pictures(1), contrast_target=1, method={"score": "prob"})
    assert not place.exists()
