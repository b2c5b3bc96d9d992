import dataclasses
import os
import pickle
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import zarr

from captum_scd._writing import claim
from captum_scd.masks import MODES, FIDOMasks
from captum_scd.store import Entry, Kept, MaskStore, hierarchy, verify
from captum_scd.store.columns import pack, unpack
from captum_scd.store.entry import SCHEMA
from captum_scd.store.hierarchy import Hierarchy
from captum_scd.verdict import judged

Make = Callable[..., Entry]


@pytest.fixture(params=["path", "url", "memory"])
def any_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "memory":
        yield f"memory://{uuid.uuid4().hex}/masks.zarr"
    else:
        yield tmp_path / "masks.zarr" if request.param == "path" else f"file://{tmp_path}/masks.zarr"


def _close(one: FIDOMasks, other: FIDOMasks) -> bool:
    return all((one.mask(mode) - other.mask(mode)).abs().max() <= 1 / 255 for mode in MODES)


def test_everything_comes_back_from_any_place(any_place: Any, identity: dict[str, Any], entry: Make) -> None:
    put = [
        entry("a.jpg", label=3, source="/photos/a.jpg"),
        entry("b é.jpg", grid=(3, 3), size=(9, 9), probability={"image": 1e-9 / 3, "sdr": 0.123456789}),
        entry("c/a.jpg", areas={}),
    ]
    MaskStore.create(any_place, identity).append(put, batch="first")
    store = MaskStore.open(any_place)
    assert list(store) == [one.key for one in put]
    for one, back in zip(put, store.entries(), strict=True):
        assert _close(one.masks, store[one.key])
        assert _close(one.masks, back.masks)
        assert (back.key, back.target, back.predicted, back.label, back.source) == (
            (one.key, one.target, one.predicted, one.label, one.source)
        )
        assert back.masks.size == one.masks.size
        assert back.areas == one.areas
        assert back.probability == pytest.approx(one.probability, rel=1e-5)
        assert back.masks.settings == {**identity["settings"], "target": [one.target]}


def _judged(one: Entry, **others: Any) -> Entry:
    numbers = {"ssr_keeps": 0.97, "sdr_leaves": 0.03, "infill_alone": 0.01, "agreement": 0.8}
    verdict = judged(**{**numbers, "second_infill": 0.9, "depends": True, **others})
    return dataclasses.replace(one, masks=dataclasses.replace(one.masks, verdict=(verdict,)))


def test_verdicts_come_back_and_images_without_one_have_none(
    store: MaskStore, entry: Make, place: Path
) -> None:
    put = [
        _judged(entry("a"), agreement=float("nan"), ssr_keeps=0.123456789),
        entry("b"),
        _judged(entry("c", grid=(3, 3))),
    ]
    store.append(put, batch="first")
    back = {one.key: one.masks.verdict for one in MaskStore.open(place).entries()}
    assert back["a"][0].line == "failed: the region keeps 12 %"
    assert back["a"][0].ssr_keeps == pytest.approx(0.123456789, rel=1e-5)
    assert back["a"][0].to_dict()["agreement"] is None
    assert back["b"] == ()
    assert back["c"] == put[2].masks.verdict


def test_nothing_is_written_of_verdicts_nobody_gave(entry: Make) -> None:
    """As it was before there were verdicts, so that old stores are read as these are."""
    assert "verdict" not in pack([entry("a"), entry("b")]).facts
    assert "verdict" in pack([entry("a"), _judged(entry("b"))]).facts


@pytest.mark.parametrize(
    ("size", "shape"),
    [((30,), (1, 1, 12)), ((6, 7, 8), (1, 1, 2, 3, 4)), ((), (1, 5)), ((), (1, 12, 1)),
     ((9, 8), (1, 1, 1, 8)), ((9, 8), (1, 3, 1, 1))],
)  # fmt: skip
def test_masks_of_signals_volumes_tables_tokens_columns_and_channels_come_back(
    store: MaskStore, size: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    cells = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    put = FIDOMasks(*cells, size=size)
    store.append([Entry("a", put, 0, 0, {}, {})], batch="first")
    back = store["a"]
    assert back.ssr_cells.shape == put.ssr_cells.shape
    assert _close(put, back)


def test_batches_add_up_and_keys_are_found(store: MaskStore, entry: Make, place: Path) -> None:
    for number in range(7):
        store.append([entry(f"{number}.{place}") for place in range(3)], batch=f"b{number}")
    for one in (store, MaskStore.open(place)):
        assert len(one) == 21
        assert sorted(one) == sorted(f"{number}.{place}" for number in range(7) for place in range(3))
        assert "3.1" in one
        assert "7.0" not in one
        assert 3 not in one
        assert _close(entry("3.1").masks, one["3.1"])
        with pytest.raises(KeyError):
            one["7.0"]
        with pytest.raises(KeyError):
            one.read("b7")


def test_a_batch_that_is_there_stays_as_it_is(store: MaskStore, entry: Make, place: Path) -> None:
    store.append([entry("a")], batch="first")
    for one in (store, MaskStore.open(place, "a")):
        one.append([entry("b")], batch="first")
        assert list(one) == ["a"]


def test_a_batch_that_another_process_committed_meanwhile_stays(
    store: MaskStore, entry: Make, place: Path
) -> None:
    late = MaskStore.open(place, "a")
    assert len(late) == 0
    store.append([entry("a")], batch="first")
    late.append([entry("b")], batch="first")
    assert list(MaskStore.open(place)) == ["a"]
    assert list(verify(MaskStore.open(place))) == []


def test_a_batch_of_nothing_is_there(store: MaskStore, place: Path) -> None:
    store.append([], batch="first")
    again = MaskStore.open(place)
    assert list(again.batches) == ["first"]
    assert len(again) == 0
    assert list(verify(again)) == []


def test_a_key_is_taken_once_only(store: MaskStore, entry: Make) -> None:
    store.append([entry("a")], batch="first")
    with pytest.raises(ValueError, match="'a' is"):
        store.append([entry("b"), entry("a")], batch="second")
    with pytest.raises(ValueError, match="each key once"):
        store.append([entry("b"), entry("b")], batch="second")
    assert list(store) == ["a"]


def test_failures_are_remembered_until_there_is_an_entry(store: MaskStore, entry: Make, place: Path) -> None:
    store.fail("a", "it cannot be read")
    store.fail("b", "too bright")
    store.fail("b", "too dark")
    store.append([entry("a")], batch="first")
    for one in (store, MaskStore.open(place)):
        assert one.failures == {"b": "too dark"}


def test_it_pickles_as_its_place(store: MaskStore, entry: Make) -> None:
    store.append([entry("a")], batch="first")
    other = pickle.loads(pickle.dumps(store))
    other.append([entry("b")], batch="second")
    assert sorted(other) == ["a", "b"]


def test_what_it_is_of_is_compared(
    store: MaskStore, place: Path, identity: dict[str, Any], entry: Make
) -> None:
    store.append([entry("a")], "first")
    MaskStore.open(place, "a", identity)
    for part, value, told in [
        ("settings", {"n_iterations": 30, "seed": 0}, "settings.n_iterations is 60 there and 30 here"),
        ("model", "another", 'model is "c0ffee" there and "another" here'),
        ("classes", ["crane"], "classes is"),
        ("preparation", {"size": 21}, "preparation.size is 20 there and 21 here"),
    ]:
        for open_ in (MaskStore.at, lambda *arguments: MaskStore.open(arguments[0], "a", arguments[1])):
            with pytest.raises(ValueError, match=told):
                open_(place, {**identity, part: value})


def test_a_store_is_made_once(store: MaskStore, place: Path, identity: dict[str, Any]) -> None:
    with pytest.raises(FileExistsError, match="Expected no store"):
        MaskStore.create(place, identity)
    with pytest.raises(ValueError, match="Expected an identity of"):
        MaskStore.create(place, {"settings": {}})
    with pytest.raises(ValueError, match="that JSON can hold"):
        MaskStore.create(place, {**identity, "model": store})


def test_a_store_of_nothing_keeps_its_identity(
    store: MaskStore, place: Path, identity: dict[str, Any]
) -> None:
    """Another run may be at work on what will be its first batch."""
    other = {**identity, "settings": {**identity["settings"], "n_iterations": 7}}
    with pytest.raises(ValueError, match=r"n_iterations is 60 there and 7 here\. It holds nothing yet"):
        MaskStore.at(place, other)
    assert MaskStore.open(place).identity == identity


def test_of_two_processes_that_come_at_once_one_makes_the_store(
    any_place: Any, identity: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes between the first one's look and its write."""
    other = {**identity, "model": "another"}
    look = hierarchy._check_nothing_left
    calls = iter([lambda: MaskStore.at(any_place, other)])

    def meanwhile(place: str) -> None:
        look(place)
        next(calls, lambda: None)()

    monkeypatch.setattr(hierarchy, "_check_nothing_left", meanwhile)
    with pytest.raises(ValueError, match='model is "another" there and "c0ffee" here'):
        MaskStore.at(any_place, identity)
    assert MaskStore.open(any_place).identity == other


def test_where_there_are_no_links_a_store_is_made_once_too(
    place: Path, identity: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*paths: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refused)
    MaskStore.create(place, identity)
    with pytest.raises(FileExistsError):
        claim(place / "zarr.json", b"{}")
    assert MaskStore.open(place).identity == identity


def test_batches_whose_settings_are_gone_are_taken_over_by_nobody(
    store: MaskStore, place: Path, identity: dict[str, Any], entry: Make
) -> None:
    store.append([entry("a")], "first")
    (place / "zarr.json").unlink()
    with pytest.raises(ValueError, match=r"zarr\.json, is gone"):
        MaskStore.at(place, identity)


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    import zarr

    zarr.create_group(tmp_path / "other.zarr", zarr_format=3)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="another kind of Zarr group"):
        MaskStore.open(tmp_path / "other.zarr")
    for name in ("folder", "nothing"):
        with pytest.raises(FileNotFoundError, match="there is none"):
            MaskStore.open(tmp_path / name)
    assert not (tmp_path / "nothing").exists()
    with pytest.raises(ValueError, match="Expected `mode`"):
        MaskStore.open(tmp_path / "nothing", "w")


@pytest.mark.parametrize("name", ["", "a/b", ".", "..", "__a", "a b"])
def test_a_batch_has_a_plain_name(store: MaskStore, name: str) -> None:
    with pytest.raises(ValueError, match="Expected the name of a batch"):
        store.append([], batch=name)


def test_a_store_to_read_takes_nothing(store: MaskStore, entry: Make, place: Path) -> None:
    store.append([entry("a")], batch="first")
    reader = MaskStore.open(place)
    for write in (
        lambda: reader.append([entry("b")], batch="second"),
        lambda: reader.fail("b", "why"),
        lambda: reader.discard("first"),
    ):
        with pytest.raises(ValueError, match="open to append"):
            write()
    assert list(MaskStore.open(place)) == ["a"]


@pytest.mark.parametrize("after", range(4))
def test_whatever_write_fails_first_nothing_of_the_batch_is_there(
    store: MaskStore, entry: Make, place: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """A batch is three objects: two of the array, then the facts. The fourth write never comes."""
    from zarr.storage import _local

    store.append([entry("a")], batch="first")
    put, count = _local._put, 0

    def failing(path: Path, value: Any, exclusive: bool = False) -> Any:
        nonlocal count
        count += not exclusive  # the groups above are there, and only made sure of
        if count > after:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".half.partial").write_bytes(b"half")
            raise OSError("No space left on device")
        return put(path, value, exclusive)

    with monkeypatch.context() as patch:
        patch.setattr(_local, "_put", failing)
        if after < 3:
            with pytest.raises(OSError, match="No space left on device; what was committed before is whole"):
                store.append([entry("b"), entry("c")], batch="second")
        else:
            store.append([entry("b"), entry("c")], batch="second")
    again = MaskStore.open(place, "a")
    assert sorted(again) == (["a"] if after < 3 else ["a", "b", "c"])
    assert list(verify(again)) == []
    again.append([entry("b"), entry("c")], batch="second")
    assert sorted(MaskStore.open(place)) == ["a", "b", "c"]
    assert list(verify(MaskStore.open(place))) == []


def test_default_masks_take_less_than_three_kilobytes_and_few_objects(
    store: MaskStore, entry: Make, place: Path
) -> None:
    """Random masks, which nothing compresses, in batches of 64."""
    for number in range(3):
        keys = [f"validation/n0123456{number}/ILSVRC2012_val_000{image:05}" for image in range(64)]
        told = {"probability": dict.fromkeys(("image", "predicted", "ssr", "sdr"), 1 / 3)}
        told["areas"] = dict.fromkeys(("ssr", "sdr", "joint"), 1 / 7)
        made = [entry(key, (28, 28), (224, 224), source=f"/data/{key}.JPEG", **told) for key in keys]
        batch = [_judged(one, agreement=2 / 3, second_infill=1 / 7, infill_alone=1 / 7) for one in made]
        store.append(batch, batch=f"b{number}")
    files = [file for file in place.rglob("*") if file.is_file()]
    on_disk = sum(-(-file.stat().st_size // 4096) * 4096 for file in files)
    assert on_disk / (3 * 64) < 3000
    assert len(files) == 3 * 3 + 3  # and the groups above: root, masks, facts


def test_zarr_alone_can_read_the_masks(store: MaskStore, entry: Make, place: Path) -> None:
    import zarr

    store.append([entry("a"), entry("b")], batch="first")
    group = zarr.open_group(place, mode="r")
    facts = group["facts/first"].attrs["facts"]
    steps = group[f"masks/{facts['cells'][0]}"][facts["key"].index("b")]
    cells = torch.from_numpy(steps / 255.0) ** 2
    assert (cells[0] - entry("b").masks.ssr_cells[0, 0]).abs().max() <= 1 / 255
    assert (cells[1] - entry("b").masks.sdr_cells[0, 0]).abs().max() <= 1 / 255


def test_masks_of_several_images_are_no_entry() -> None:
    cells = torch.ones(2, 1, 2, 2)
    with pytest.raises(ValueError, match="masks of one image"):
        Entry("a", FIDOMasks(cells, cells, (4, 4)), 0, 0, {}, {})


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(ModuleNotFoundError, match=r"captum-scd\[store\]"):
        Hierarchy.open(str(place), "r")


def test_a_writer_reads_nothing_of_what_is_there(
    store: MaskStore, entry: Make, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append([entry("a")], "first")
    writer = MaskStore.writer(place)
    monkeypatch.setattr(type(writer._hierarchy), "all_facts", None)
    writer.append([entry("b")], "second")
    writer.append([entry("c")], "first")  # which is there
    monkeypatch.undo()
    assert list(MaskStore.open(place)) == ["a", "b"]


def test_what_an_image_was_contrasted_with_comes_back(
    place: Path, identity: dict[str, Any], entry: Make
) -> None:
    settings = {**identity["settings"], "contrast_target": "nearest"}
    put = [entry("a", look_alikes=(3, 1)), entry("b", look_alikes=[0]), entry("c")]
    MaskStore.create(place, {**identity, "settings": settings}).append(put, batch="first")
    back = list(MaskStore.open(place).entries())
    assert [one.look_alikes for one in back] == [(3, 1), (0,), ()]
    assert [one.masks.settings["contrast_target"] for one in back] == [[[3, 1]], [[0]], "nearest"]
    assert all(one.masks[0].settings == one.masks.settings for one in back)


def test_batches_that_know_of_no_contrasts_are_read(entry: Make) -> None:
    packed = pack([entry("a"), entry("b")])
    del packed.facts["look_alikes"]
    back = list(unpack(packed, {"contrast_target": 3}, "0.2.0"))
    assert [(one.look_alikes, one.masks.settings) for one in back] == [
        ((), {"contrast_target": 3, "target": [1]})
    ] * 2


def test_a_store_says_its_schema_and_earlier_ones_did_not(place: Path, identity: dict[str, Any]) -> None:
    MaskStore.create(place, identity)
    head = zarr.open_group(place, mode="a").attrs
    assert head["schema"] == SCHEMA
    del head["schema"]
    assert len(MaskStore.open(place, identity=identity)) == 0


def test_a_store_of_a_later_schema_is_refused(place: Path, identity: dict[str, Any]) -> None:
    MaskStore.create(place, identity)
    zarr.open_group(place, mode="a").attrs["schema"] = SCHEMA + 1
    with pytest.raises(ValueError, match="a later version of captum_scd reads it"):
        MaskStore.open(place)


def test_the_newest_photo_of_a_key_counts_whatever_its_batch_is_called(
    store: MaskStore, entry: Make, place: Path
) -> None:
    """Each batch names the one it follows; their names say nothing of the order."""
    store.append([entry("a", digest="1"), entry("b")], "m")
    store.append([entry("a", digest="2")], "z", {"a": "m", "c": "m"})
    store.append([entry("a", digest="3")], "c", {"a": "z"})
    for one in (store, MaskStore.open(place)):
        assert one.kept(["a", "b", "c"]) == {"a": Kept("c", "3", ""), "b": Kept("m", "", "")}
        assert one.entry("a").digest == "3"
        assert [kept.digest for kept in one.entries() if kept.key == "a"] == ["3"]
        assert len(one) == 2
        assert list(verify(one)) == []
    MaskStore.open(place, "a").discard("c")
    assert MaskStore.open(place).entry("a").digest == "2"


def test_photos_that_take_each_others_place_end(store: MaskStore, entry: Make, place: Path) -> None:
    store.append([entry("a")], "one", None)
    store.append([entry("a")], "two", {"a": "one"})
    MaskStore.open(place, "a")._hierarchy.put(
        "facts", "one", {**store._facts("one"), "replaces": {"a": "two"}}, True
    )
    assert list(MaskStore.open(place)) == ["a"]
