"""The masks of a run: combine, threshold, box, save, load."""

import dataclasses
import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from captum_scd._version import __version__
from captum_scd._writing import replacing
from captum_scd.grid import resize
from captum_scd.notebook import shown
from captum_scd.schema import MOST_BYTES, check_header, check_members, check_tensors, data_type
from captum_scd.verdict import Verdict

MODES = ("joint", "ssr", "sdr")
THRESHOLD = 0.5
"""Where masks are cut unless it is said: for areas, boxes, composites, and what regions do."""

EACH = ("target", "contrast_target", "winner")
"""Settings with an entry per example."""

FORMAT = "captum_scd masks 1"
DAMAGES = (
    ValueError, EOFError, OSError, TypeError, KeyError, RuntimeError, MemoryError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy and zipfile raise for files that are cut off, altered or no archive at all."""


@dataclass(frozen=True, eq=False, repr=False)
class FIDOMasks:
    """What FIDO learned for a batch: two importance masks per example, 1 = important.

    Attributes:
        ssr_cells: (N, 1, *cells) in [0, 1], the smallest sufficient region at the resolution it was
            learned on; what it keeps is enough for the class.
        sdr_cells: (N, 1, *cells) in [0, 1], the smallest destroying region: with what it covers replaced by
            the infill, the class is lost.
        size: spatial size of the input.
        infill: (N, C, *size), what replaced hidden pixels.
        history: for each iteration and example, tensors (iterations, N): `loss`, and for each mask
            `ssr_score`, `sdr_score`, `ssr_area`, `sdr_area`, `ssr_tv`, `sdr_tv`.
        settings: everything needed to learn the same masks again, including the seed. `target`,
            `contrast_target` and `winner`, which names the candidate that was chosen, are lists with an entry
            per example.
        version: version of captum_scd that learned them.
        trajectory: how the masks formed, if `attribute` was asked to store it: `ssr_cells` and `sdr_cells`
            at regular intervals, (frames, N, 1, *cells) each. In every frame as many cells reach 0.5 as in
            the finished masks, which are the last frame.
        verdict: whether each example's map can be trusted, one `Verdict` per example; empty if none was made.
        agreement_cells: (N, 1, *cells) in [0, 1], the share of several starts whose SSR holds a cell: 1 where
            all agree that it belongs, 0 where all agree that it does not. None if there was one start.
        alternatives: masks of further regions, each learned with the SSRs of those before it covered by the
            infill. The shares in their verdicts compare with the whole input, nothing covered.

    Inputs without spatial axes have masks of their own shape instead of (N, 1, *size), tokens (N, T, 1);
    under a feature mask that tells channels apart it is (N, C, *size).

    >>> cells = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])
    >>> masks = FIDOMasks(cells, cells, size=(4, 4))
    >>> masks
    FIDOMasks(1 example of 4 x 4, cells of 2 x 2, seed None)
    >>> masks.joint[0, 0, 0]
    tensor([0.0000, 0.2500, 0.7500, 1.0000])
    >>> masks.bounding_box(threshold=0.5).tolist()
    [[2, 0, 4, 4]]
    """

    ssr_cells: Tensor
    sdr_cells: Tensor
    size: tuple[int, ...]
    infill: Tensor | None = None
    history: Mapping[str, Tensor] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__
    trajectory: Mapping[str, Tensor] = field(default_factory=dict)
    verdict: tuple[Verdict, ...] = ()
    agreement_cells: Tensor | None = None
    alternatives: tuple["FIDOMasks", ...] = ()

    def __post_init__(self) -> None:
        if len(self.verdict) not in (0, len(self)):
            raise ValueError(
                f"Expected a verdict for each of {len(self)} examples, or none, but got {len(self.verdict)}."
            )

    @property
    def ssr(self) -> Tensor:
        """(N, 1, *size) in [0, 1]: how much of each pixel is enough.

        x * ssr + infill * (1 - ssr) keeps the class.
        """
        return resize(self.ssr_cells, self.size).clamp(0, 1)

    @property
    def sdr(self) -> Tensor:
        """(N, 1, *size) in [0, 1]: how much of each pixel to take away; x * (1 - sdr) + infill * sdr."""
        return resize(self.sdr_cells, self.size).clamp(0, 1)

    @property
    def joint(self) -> Tensor:
        """(N, 1, *size) in [0, 1]: geometric mean of both masks, sqrt(ssr * sdr)."""
        return (self.ssr * self.sdr).sqrt()

    @property
    def agreement(self) -> Tensor | None:
        """(N, 1, *size) in [0, 1]: share of several starts whose SSR holds a pixel; None for one start."""
        cells = self.agreement_cells
        return None if cells is None else resize(cells, self.size).clamp(0, 1)

    @property
    def seed(self) -> int | None:
        """The seed that the masks were learned with."""
        return self.settings.get("seed")

    def mask(self, mode: str = "joint") -> Tensor:
        """Return `joint`, `ssr` or `sdr` by name."""
        check_mode(mode)
        mask: Tensor = getattr(self, mode)
        return mask

    def threshold(self, value: float = THRESHOLD, mode: str = "joint") -> Tensor:
        """Cut a mask: boolean, of the mask's shape, True where it is at least `value`."""
        return self.mask(mode) >= value

    def bounding_box(self, threshold: float = THRESHOLD, mode: str = "joint") -> Tensor:
        """Find the box around all that reaches the threshold, in pixels.

        Args:
            threshold: in [0, 1].
            mode: `"joint"`, `"ssr"` or `"sdr"`.

        Returns:
            (N, 4) long tensor: x0, y0, x1, y1, the far edges exclusive, so that
            `image[..., y0:y1, x0:x1]` is the crop; all zero where nothing reaches the threshold.

        Raises:
            ValueError: for masks that are not of images.
        """
        if len(self.size) != 2:
            raise ValueError(
                f"Expected masks of images, (N, 1, H, W), but these have spatial size {self.size}."
            )
        marked = self.threshold(threshold, mode).flatten(1, -3).any(1)
        y0, y1 = _extent(marked.any(2))
        x0, x1 = _extent(marked.any(1))
        return torch.stack([x0, y0, x1, y1], dim=1)

    def __len__(self) -> int:
        return len(self.ssr_cells)

    def __repr__(self) -> str:
        shape = self.size or tuple(self.ssr_cells.shape[1:])
        size, cells = (" x ".join(map(str, one)) for one in (shape, self.ssr_cells.shape[-len(shape) :]))
        examples = "1 example" if len(self) == 1 else f"{len(self)} examples"
        return f"FIDOMasks({examples} of {size}, cells of {cells}, seed {self.seed})"

    def _repr_html_(self) -> str:
        """Show the maps, the verdicts and the areas in a notebook."""
        return shown(self)

    def __getitem__(self, index: int | slice) -> "FIDOMasks":
        """Select examples; an int keeps the batch dimension, and raises IndexError beyond the last."""
        position = range(len(self))[index] if isinstance(index, int) else 0
        rows = slice(position, position + 1) if isinstance(index, int) else index
        return self._mapped(
            lambda tensor: tensor[rows],
            lambda tensor: tensor[:, rows],
            settings=_of_examples(self.settings, rows),
            verdict=self.verdict[rows],
            alternatives=tuple(one[rows] for one in self.alternatives),
        )

    def to(self, device: torch.device | str) -> "FIDOMasks":
        """Move all tensors to a device."""
        return self._mapped(
            lambda tensor: tensor.to(device),
            lambda tensor: tensor.to(device),
            alternatives=tuple(one.to(device) for one in self.alternatives),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything into one file: a NumPy `.npz` archive, read without pickle.

        It holds the arrays `ssr_cells`, `sdr_cells`, `infill`, `agreement_cells`, `history.*`,
        `trajectory.*`, and the same again below `alternatives.0.*`; and a JSON text, `header`, with format,
        version, size, data types, settings and verdict. An existing file is replaced only once the new one is
        whole.
        """
        arrays = {name: _to_numpy(tensor) for name, tensor in self._tensors().items()}
        header = {"format": FORMAT, **self._header()}
        _write_archive(Path(path), {"header": np.array(json.dumps(header)), **arrays})

    @classmethod
    def load(cls, path: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> "FIDOMasks":
        """Read what `save` wrote.

        Args:
            path: of the file.
            most_bytes: bytes that its arrays may take unpacked, 1 GiB by default; no file takes more.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged, too large, or holds anything else than masks do: other
                arrays, shapes that do not fit, values outside [0, 1].
        """
        arrays = _read_archive(Path(path), most_bytes)
        try:
            return cls._from_arrays(arrays, _header(arrays))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"Expected {path} to be written by FIDOMasks.save ({FORMAT}), but it is another kind of "
                f"file: {error}"
            ) from error

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, Any], header: dict[str, Any]) -> "FIDOMasks":
        types = header["dtypes"]
        check_header(header["size"], header["settings"], header["version"])
        tensors = {name: torch.from_numpy(arrays[name]).to(data_type(types[name])) for name in types}
        check_tensors(tensors, tuple(header["size"]))
        further = enumerate(header.get("alternatives", ()))
        return cls(
            tensors["ssr_cells"],
            tensors["sdr_cells"],
            tuple(header["size"]),
            tensors.get("infill"),
            _group(tensors, "history"),
            header["settings"],
            header["version"],
            _group(tensors, "trajectory"),
            tuple(map(Verdict.from_dict, header.get("verdict", ()))),
            tensors.get("agreement_cells"),
            tuple(cls._from_arrays(_group(arrays, f"alternatives.{i}"), one) for i, one in further),
        )

    def _header(self) -> dict[str, Any]:
        """What JSON holds of the masks."""
        own = self._own_tensors().items()
        verdict, further = (
            [one.to_dict() for one in self.verdict],
            [one._header() for one in self.alternatives],
        )
        return {
            "version": self.version,
            "size": list(self.size),
            "dtypes": {name: str(tensor.dtype).removeprefix("torch.") for name, tensor in own},
            "settings": dict(self.settings),
            **({"verdict": verdict} if verdict else {}),
            **({"alternatives": further} if further else {}),
        }

    def _tensors(self) -> dict[str, Tensor]:
        """All tensors by name, those of the alternatives behind theirs."""
        further = {
            f"alternatives.{place}.{name}": tensor
            for place, one in enumerate(self.alternatives)
            for name, tensor in one._tensors().items()
        }
        return {**self._own_tensors(), **further}

    def _own_tensors(self) -> dict[str, Tensor]:
        optional = {"infill": self.infill, "agreement_cells": self.agreement_cells}
        there = {name: tensor for name, tensor in optional.items() if tensor is not None}
        groups = {"history": self.history, "trajectory": self.trajectory}
        grouped = {f"{key}.{name}": values for key, group in groups.items() for name, values in group.items()}
        return {"ssr_cells": self.ssr_cells, "sdr_cells": self.sdr_cells, **there, **grouped}

    def _mapped(self, of_examples: Any, of_steps: Any, **changes: Any) -> "FIDOMasks":
        return dataclasses.replace(
            self,
            ssr_cells=of_examples(self.ssr_cells),
            sdr_cells=of_examples(self.sdr_cells),
            infill=None if self.infill is None else of_examples(self.infill),
            history={name: of_steps(values) for name, values in self.history.items()},
            trajectory={name: of_steps(values) for name, values in self.trajectory.items()},
            agreement_cells=None if self.agreement_cells is None else of_examples(self.agreement_cells),
            **changes,
        )


def _of_examples(settings: Mapping[str, Any], rows: slice) -> dict[str, Any]:
    """Settings of some examples: what is kept of each example is that of these."""
    each = {name: value[rows] for name in EACH if isinstance(value := settings.get(name), list)}
    return {**settings, **each}


def check_mode(mode: str) -> None:
    """Raise unless there is a mask of that name."""
    if mode not in MODES:
        raise ValueError(f"Expected `mode` to be one of {', '.join(map(repr, MODES))}, but got {mode!r}.")


def _group(tensors: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Values whose names begin with the key and a dot, under the rest of their names."""
    names = (name for name in tensors if name.startswith(f"{key}."))
    return {name.removeprefix(f"{key}."): tensors[name] for name in names}


def _extent(marked: Tensor) -> tuple[Tensor, Tensor]:
    """First and one past the last True of each row (N, n); 0 and 0 for a row without any."""
    position = torch.arange(marked.shape[1], device=marked.device)
    end = torch.where(marked, position + 1, 0).amax(1)
    start = torch.where(marked, position, marked.shape[1]).amin(1)
    return torch.minimum(start, end), end


def _to_numpy(tensor: Tensor) -> Any:
    """NumPy has no bfloat16: such tensors are written as float32, the header keeps their type."""
    tensor = tensor.detach().cpu()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _write_archive(path: Path, arrays: dict[str, Any]) -> None:
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _read_archive(path: Path, most_bytes: int) -> dict[str, Any]:
    try:
        check_members(path, most_bytes)
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise
    except DAMAGES as error:
        raise ValueError(
            f"Expected {path} to be a whole masks file of captum_scd, but it is damaged: {error}"
        ) from error


def _header(arrays: dict[str, Any]) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(str(arrays["header"]))
    if header["format"] != FORMAT:
        raise ValueError(f"Expected format {FORMAT!r}, but got {header['format']!r}.")
    return header
