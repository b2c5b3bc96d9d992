"""Telling whether the photos of a run are those that a store explained under their keys."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from torch import Tensor

from captum_scd._errors import ImageError
from captum_scd.runs.samples import Sample
from captum_scd.store import Kept

READERS = 8
"""Files that are hashed at a time."""


def changed(samples: Sequence[Sample], kept: Mapping[str, Kept]) -> list[Sample]:
    """Find the samples whose photo is another than the one in the store.

    Where the store or the sample knows no hash, the key alone tells. A photo that cannot be read is another.

    Args:
        samples: some of a run.
        kept: what the store has of them, by key.

    Returns:
        Those that are to be done again. A photo that lies elsewhere is no new version of the one in the
        store, but another one: it fails with the reason when it is loaded.
    """
    asked = [one for one in samples if one.digest and one.key in kept and kept[one.key].digest]
    if not asked:
        return []
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(Sample.identified, asked))
    return [_again(one, kept[one.key]) for one in found if one.digest != kept[one.key].digest]


def _again(sample: Sample, kept: Kept) -> Sample:
    return sample if sample.source == kept.source else replace(sample, image=_Elsewhere(kept.source))


@dataclass(frozen=True)
class _Elsewhere:
    source: str

    def __call__(self) -> Tensor:
        raise ImageError(
            f"the store has another photo of this name, {self.source!r}; give both folders in one run, or "
            "another store"
        )
