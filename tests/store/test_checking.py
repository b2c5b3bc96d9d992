from collections.abc import Callable
from pathlib import Path

import pytest

from captum_scd.store import Entry, MaskStore, Problem, verify

Make = Callable[..., Entry]


@pytest.fixture
def filled(store: MaskStore, entry: Make, place: Path) -> Path:
    for batch in ("one", "two", "three"):
        store.append([entry(f"{batch} {number}") for number in range(2)], batch=batch)
    return place


def _chunks(place: Path) -> list[Path]:
    return sorted(place.glob("masks/*/c.*"))


def _problems(place: Path) -> list[Problem]:
    return list(verify(MaskStore.open(place)))


def test_a_whole_store_has_no_problems(filled: Path) -> None:
    assert _problems(filled) == []


def test_a_missing_chunk_is_not_taken_for_empty_masks(filled: Path) -> None:
    _chunks(filled)[0].unlink()
    (problem,) = _problems(filled)
    assert "missing or altered" in problem.what
    store = MaskStore.open(filled)
    with pytest.raises(ValueError, match="to be whole"):
        store[f"{problem.batch} 1"]
    assert len(store) == 6


@pytest.mark.parametrize("file", ["c.*", "zarr.json"])
@pytest.mark.parametrize("how", ["cut", "empty", "gone", "flipped"])
def test_damaged_masks_are_found(filled: Path, file: str, how: str) -> None:
    _damage(sorted(filled.glob(f"masks/*/{file}"))[1], how)
    (problem,) = _problems(filled)
    assert "masks" in problem.what
    assert problem.batch in str(problem)


@pytest.mark.parametrize("how", ["cut", "empty", "flipped"])
def test_damaged_facts_are_found_and_their_images_are_not_there(filled: Path, how: str) -> None:
    _damage(filled / "facts" / "two" / "zarr.json", how)
    (problem,) = _problems(filled)
    assert problem.batch == "two"
    assert "facts" in problem.what
    assert sorted(MaskStore.open(filled)) == ["one 0", "one 1", "three 0", "three 1"]


@pytest.mark.parametrize("how", ["cut", "empty", "flipped"])
def test_a_batch_with_damaged_facts_is_written_again(filled: Path, entry: Make, how: str) -> None:
    _damage(filled / "facts" / "two" / "zarr.json", how)
    MaskStore.open(filled, "a").append([entry(f"two {number}") for number in range(2)], batch="two")
    assert _problems(filled) == []
    assert len(MaskStore.open(filled)) == 6


def test_a_discarded_batch_is_written_again(filled: Path, entry: Make) -> None:
    _damage(_chunks(filled)[0], "flipped")
    (problem,) = _problems(filled)
    store = MaskStore.open(filled, "a")
    store.discard(problem.batch)
    assert len(store) == 4
    store.append([entry(f"{problem.batch} {number}") for number in range(2)], batch=problem.batch)
    assert _problems(filled) == []


def test_a_key_in_two_batches_is_told(filled: Path, entry: Make, place: Path) -> None:
    """Two writers that know nothing of each other."""
    early, late = MaskStore.open(place, "a"), MaskStore.open(place, "a")
    assert len(early) == len(late) == 6
    early.append([entry("double")], batch="early")
    late.append([entry("double"), entry("late")], batch="late")
    assert _problems(place) == [Problem("late", "double", "it is in batch early, too")]
    store = MaskStore.open(place)
    assert len(store) == len(list(store)) == len(list(store.entries())) == 8


def _damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "flipped":
        place = content.rfind(b"1") if path.suffix == ".json" else len(content) // 2
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    else:
        path.write_bytes(content[: len(content) // 2] if how == "cut" else b"")
