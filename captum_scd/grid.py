"""From the cells a mask is learned on to the features of the input it covers.

A mask has one value per cell. Images, signals and volumes have a regular lattice of cells that is
interpolated to the input's size and shared by the channels; tabular inputs have a cell for each feature;
with a feature mask (superpixels) each group of features is a cell. All cells of an example stand in one
row, so that sampling and optimisation need to know nothing of their arrangement.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from captum_scd.smoothing import filtered, gaussian

DEFAULT_CELLS = {1: 112, 2: 56, 3: 14}
"""Cells along the shortest axis of signals, images and volumes; never more than the axis has elements."""

TOKENS = "tokens"
"""Asks for a cell per token of embeddings (N, T, D), which would be read as signals (N, C, L)."""

MaskSize = int | tuple[int, ...] | str | None
FeatureMasks = tuple[Tensor | NDArray[Any] | None, ...]


class Layout(Protocol):
    """How the cells of one input are arranged."""

    @property
    def count(self) -> int:
        """Number of cells."""
        ...

    def arrange(self, cells: Tensor, examples: Tensor) -> Tensor:
        """(rows, count) -> the mask at the resolution it is learned on; row i belongs to examples[i]."""
        ...

    def variation(self, cells: Tensor) -> Tensor:
        """(rows, count) -> (rows,) total variation, 0 where cells have no neighbours."""
        ...

    def smooth(self, cells: Tensor, width: float) -> Tensor:
        """(rows, count) -> the same, averaged over neighbours; unchanged where cells have none."""
        ...


@dataclass(frozen=True)
class Lattice:
    """A regular lattice of cells over the spatial axes, shared by the channels."""

    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of cells."""
        return torch.Size(self.shape).numel()

    def arrange(self, cells: Tensor, examples: Tensor) -> Tensor:
        """(rows, count) -> (rows, 1, *shape)."""
        return cells.reshape(-1, 1, *self.shape)

    def variation(self, cells: Tensor) -> Tensor:
        """Total variation of the lattice, see `total_variation`."""
        return total_variation(cells.reshape(-1, 1, *self.shape))

    def smooth(self, cells: Tensor, width: float) -> Tensor:
        """Blur with a Gaussian of `width` cells of a default lattice, reflecting at the borders."""
        sigma = width * min(self.shape) / DEFAULT_CELLS[2]
        return filtered(cells.reshape(-1, 1, *self.shape), gaussian(sigma)).flatten(1)


@dataclass(frozen=True)
class Features:
    """A cell for each feature of an example, without neighbours."""

    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of cells."""
        return torch.Size(self.shape).numel()

    def arrange(self, cells: Tensor, examples: Tensor) -> Tensor:
        """(rows, count) -> (rows, *shape)."""
        return cells.reshape(-1, *self.shape)

    def variation(self, cells: Tensor) -> Tensor:
        """Zero: features have no order."""
        return cells.new_zeros(len(cells))

    def smooth(self, cells: Tensor, width: float) -> Tensor:
        """Unchanged: features have no order."""
        return cells


@dataclass(frozen=True)
class Groups:
    """A cell for each group of features: group numbers of shape (1 or N, ...), from 0 to count - 1."""

    numbers: Tensor
    count: int

    def arrange(self, cells: Tensor, examples: Tensor) -> Tensor:
        """(rows, count) -> (rows, *shape of the feature mask)."""
        numbers = (
            self.numbers[examples] if len(self.numbers) > 1 else self.numbers.expand(len(cells), *self._shape)
        )
        return cells.gather(1, numbers.flatten(1)).reshape(-1, *self._shape)

    def variation(self, cells: Tensor) -> Tensor:
        """Zero: groups have no order."""
        return cells.new_zeros(len(cells))

    def smooth(self, cells: Tensor, width: float) -> Tensor:
        """Unchanged: groups have no order."""
        return cells

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(self.numbers.shape[1:])


@dataclass(frozen=True)
class Grid:
    """The cells of all inputs of a model, in one row per example.

    Attributes:
        layouts: one per input.
        columns: the part of the row that belongs to each input; those with a feature mask share theirs.
        sizes: spatial size of each input.
        count: length of the row.
    """

    layouts: tuple[Layout, ...]
    columns: tuple[slice, ...]
    sizes: tuple[tuple[int, ...], ...]
    count: int

    def arrange(self, cells: Tensor, examples: Tensor) -> tuple[Tensor, ...]:
        """(rows, count) -> one mask per input, at the resolution it is learned on."""
        pairs = zip(self.layouts, self.columns, strict=True)
        return tuple(layout.arrange(cells[:, columns], examples) for layout, columns in pairs)

    def expand(self, cells: Tensor, examples: Tensor) -> tuple[Tensor, ...]:
        """(rows, count) -> one mask per input, broadcastable to the input."""
        return tuple(map(resize, self.arrange(cells, examples), self.sizes))

    def variation(self, cells: Tensor) -> Tensor:
        """(rows, count) -> (rows,) total variation, mean over the inputs."""
        pairs = zip(self.layouts, self.columns, strict=True)
        return torch.stack([layout.variation(cells[:, columns]) for layout, columns in pairs]).mean(0)

    def smooth(self, cells: Tensor, width: float) -> Tensor:
        """(rows, count) -> the same, blurred with a Gaussian of `width` cells of a default lattice."""
        smoothed = cells.clone()
        for layout, columns in zip(self.layouts, self.columns, strict=True):
            smoothed[:, columns] = layout.smooth(cells[:, columns], width)
        return smoothed

    def area(self, cells: Tensor, examples: Tensor) -> Tensor:
        """(rows, count) -> (rows,) mean of the mask, over the features of an input, then over the inputs."""
        masks = self.arrange(cells, examples)
        return torch.stack([mask.reshape(len(mask), -1).mean(1) for mask in masks]).mean(0)


def make_grid(
    inputs: tuple[Tensor, ...], mask_size: MaskSize = None, feature_mask: FeatureMasks | None = None
) -> Grid:
    """Choose the cells for some inputs.

    Args:
        inputs: tensors (N, ...).
        mask_size: cells along the shortest spatial axis, or along each; None for `DEFAULT_CELLS`; `TOKENS`
            for a cell per token of inputs (N, T, D), and `DEFAULT_CELLS` for others beside them.
        feature_mask: group numbers, one integer or boolean tensor or array per input, broadcastable to the
            input (first dimension 1 or N). Features of the same number share a cell, within and across
            inputs. None in place of one leaves that input to `mask_size`.

    Raises:
        ValueError: for a mask size or a feature mask that does not fit the inputs.
    """
    _check_mask_size(mask_size, inputs)
    groups = _groups(inputs, (None,) * len(inputs) if feature_mask is None else feature_mask)
    layouts = tuple(
        _layout(tensor, mask_size) if group is None else group
        for tensor, group in zip(inputs, groups, strict=True)
    )
    shared = max((group.count for group in groups if group is not None), default=0)
    own = [layout.count if group is None else 0 for layout, group in zip(layouts, groups, strict=True)]
    ends = list(accumulate(own, initial=shared))
    columns = tuple(
        slice(start, end) if group is None else slice(shared)
        for start, end, group in zip(ends, ends[1:], groups, strict=False)
    )
    sizes = tuple(() if is_of_tokens(tensor, mask_size) else tuple(tensor.shape[2:]) for tensor in inputs)
    return Grid(layouts, columns, sizes, ends[-1])


def is_of_tokens(inputs: Tensor, mask_size: MaskSize) -> bool:
    """Tell embeddings (N, T, D), whose mask has a value per token, from signals (N, C, L)."""
    return inputs.ndim == 3 and mask_size == TOKENS


def resize(mask: Tensor, size: tuple[int, ...]) -> Tensor:
    """Interpolate a mask (rows, 1, *cells) to (rows, 1, *size), multi-linearly.

    Every value of the result is a weighted mean of its neighbours, so it stays between their extremes, up
    to round-off. Masks that have that size already, or no spatial axes, are returned as they are.
    """
    if tuple(mask.shape[2:]) == tuple(size) or mask.ndim != len(size) + 2:
        return mask
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
    return F.interpolate(mask, size=size, mode=mode, align_corners=False)


def total_variation(mask: Tensor) -> Tensor:
    """Mean absolute difference of neighbours along an axis, averaged over the spatial axes.

    The anisotropic total variation (Rudin, Osher and Fatemi 1992) as a mean, so that images of any size
    compare. It grows with the scale of a map: bring maps to one range before comparing them.

    Args:
        mask: (N, C, *spatial).

    Returns:
        (N,) values, 0 for a flat mask, at most 1 for a mask in [0, 1] (a checkerboard); smaller is smoother.

    >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]))
    tensor([0.5000])
    """
    axes = [axis for axis in range(2, mask.ndim) if mask.shape[axis] > 1]
    if not axes:
        return mask.new_zeros(len(mask))
    return torch.stack([mask.diff(dim=axis).abs().flatten(1).mean(1) for axis in axes]).mean(0)


def _layout(inputs: Tensor, mask_size: MaskSize) -> Layout:
    if is_of_tokens(inputs, mask_size):
        return Features((inputs.shape[1], 1))
    if 3 <= inputs.ndim <= 5:
        return Lattice(_lattice_shape(tuple(inputs.shape[2:]), mask_size))
    return Features(tuple(inputs.shape[1:]))


def _lattice_shape(size: tuple[int, ...], mask_size: MaskSize) -> tuple[int, ...]:
    if isinstance(mask_size, tuple):
        return _checked_lattice(mask_size, size)
    shortest = mask_size if isinstance(mask_size, int) else DEFAULT_CELLS[len(size)]
    return tuple(min(n, max(1, round(shortest * n / min(size)))) for n in size)


def _check_mask_size(mask_size: MaskSize, inputs: tuple[Tensor, ...]) -> None:
    """Reject all but None, `TOKENS` and whole numbers above 0; the type is not enough, True is an int."""
    if mask_size is None:
        return
    if mask_size == TOKENS:
        if not any(tensor.ndim == 3 for tensor in inputs):
            shapes = ", ".join(str(tuple(tensor.shape)) for tensor in inputs)
            raise ValueError(f"Expected embeddings (N, T, D) for `mask_size` {TOKENS!r}, but got {shapes}.")
        return
    numbers = mask_size if isinstance(mask_size, tuple) else (mask_size,)
    if not all(type(number) is int and number >= 1 for number in numbers):
        raise ValueError(
            "Expected `mask_size` to be an integer of at least 1, a tuple of such, or 'tokens', "
            f"but got {mask_size!r}."
        )


def _checked_lattice(shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
    fits = len(shape) == len(size) and all(1 <= cells <= n for cells, n in zip(shape, size, strict=True))
    if not fits:
        raise ValueError(
            f"Expected `mask_size` to give 1 to {size} cells along the axes of the input, but got {shape}."
        )
    return shape


def group_counts(feature_mask: FeatureMasks, inputs: tuple[Tensor, ...]) -> list[int]:
    """Tell how many groups each of the N examples has, over all inputs; its own alone, or one for all."""
    there = [one for one in _all_numbers(inputs, feature_mask) if one is not None]
    counts = [len(ids) for ids in _group_ids(there)] if there else [0]
    return counts if len(counts) > 1 else counts * len(inputs[0])


def _group_ids(masks: list[Tensor]) -> list[Tensor]:
    """Group numbers of each example in ascending order; one entry where all examples share them."""
    count = max(len(mask) for mask in masks)
    rows = ([mask[row % len(mask)].flatten() for mask in masks] for row in range(count))
    return [torch.cat(row).unique() for row in rows]


def _renumbered(mask: Tensor, ids: list[Tensor]) -> Tensor:
    """Number the groups of each example from 0, whatever numbers its neighbours have."""
    rows = mask.expand(len(ids), *mask.shape[1:]).contiguous()
    return torch.stack([torch.searchsorted(own, row) for own, row in zip(ids, rows, strict=True)])


def _groups(inputs: tuple[Tensor, ...], feature_mask: FeatureMasks) -> list[Groups | None]:
    """Number the groups of all inputs together, from 0 up, for each example apart."""
    numbers = _all_numbers(inputs, feature_mask)
    there = [one for one in numbers if one is not None]
    ids = _group_ids(there) if there else []
    counts = {len(one) for one in ids}
    if len(counts) > 1:
        raise ValueError(f"Expected as many groups in each example, but got {sorted(counts)}.")
    return [None if one is None else Groups(_renumbered(one, ids), len(ids[0])) for one in numbers]


def _all_numbers(inputs: tuple[Tensor, ...], feature_mask: FeatureMasks) -> list[Tensor | None]:
    if len(feature_mask) != len(inputs):
        raise ValueError(
            f"Expected one `feature_mask` per input ({len(inputs)}), but got {len(feature_mask)}."
        )
    return [
        None if mask is None else _numbers(mask, tensor)
        for mask, tensor in zip(feature_mask, inputs, strict=True)
    ]


def _numbers(mask: Tensor | NDArray[Any], inputs: Tensor) -> Tensor:
    """Group numbers as long integers, with as many dimensions as the input."""
    if not isinstance(mask, (Tensor, np.ndarray)):
        raise TypeError(f"Expected `feature_mask` to hold tensors or arrays, but got {type(mask).__name__}.")
    numbers = torch.as_tensor(mask, device=inputs.device)
    if numbers.is_floating_point() or numbers.is_complex():
        raise ValueError(f"Expected `feature_mask` to hold integers, but got {numbers.dtype}.")
    if not _broadcastable(tuple(numbers.shape), tuple(inputs.shape)):
        came = f"{tuple(numbers.shape)} for an input of shape {tuple(inputs.shape)}"
        raise ValueError(f"Expected `feature_mask` to broadcast to its input, but got shape {came}.")
    return numbers[(None,) * (inputs.ndim - numbers.ndim)].long().contiguous()


def _broadcastable(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    if len(shape) > len(target):
        return False
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return all(mine in (1, theirs) for mine, theirs in pairs)
