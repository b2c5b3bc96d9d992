import pytest

from captum_scd.store import index as module
from captum_scd.store.index import Index, key_hash


@pytest.mark.parametrize("most_fresh", [0, 3, 1000])
def test_it_finds_what_a_dictionary_finds(monkeypatch: pytest.MonkeyPatch, most_fresh: int) -> None:
    monkeypatch.setattr(module, "MOST_FRESH", most_fresh)
    index, known = Index(), {}
    for batch in range(30):
        keys = [f"image {batch * 7 + place}" for place in range(9)]  # two of each batch are in the next
        index.add(f"batch {batch}", keys)
        known = {**dict.fromkeys(keys, f"batch {batch}"), **known}
    assert {key: index.batch_of(key) for key in known} == known
    assert len(index) == len(known)
    assert index.batch_of("another") is None
    assert list(index.batches) == [f"batch {batch}" for batch in range(30)]
    assert index.has_batch("batch 3")
    assert not index.has_batch("batch 30")
    for key in known:
        index.move(key, "batch 3")
    assert {index.batch_of(key) for key in known} == {"batch 3"}
    assert len(index) == len(known)


def test_hashes_use_all_bits() -> None:
    values = [key_hash(f"image {number}") for number in range(500)]
    assert len(set(values)) == 500
    assert all(any(value >> bit & 1 for value in values) for bit in range(64))
