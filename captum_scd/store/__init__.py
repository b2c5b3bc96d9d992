"""Where the masks of many images are kept: a Zarr hierarchy, on a disk or behind any fsspec URL."""

from captum_scd.store.checking import Problem, verify
from captum_scd.store.entry import Entry, Kept
from captum_scd.store.mask_store import MaskStore

__all__ = ["Entry", "Kept", "MaskStore", "Problem", "verify"]
