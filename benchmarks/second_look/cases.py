"""Images with a known answer: birds under a classifier of their fold, photos and harder versions of them."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from common.data import spread
from torch import Tensor, nn

from captum_scd.classification import crop_resize
from captum_scd.photos.preparing import Normalization, Preparation
from captum_scd.photos.reading import read
from second_look.folds import Head, Pool, stratified_folds, views
from second_look.harder import SIDE, cluttered, off_centre

SEEN = 7 / 8
"""Share of the shorter side that is seen, in the middle; ImageNet's usual."""

FOLDS = 10
NORMALIZATION = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Example:
    """An image as the network sees it (1, 3, size, size), and the same in more detail; both normalised."""

    inputs: Tensor
    detail: Tensor


@dataclass(frozen=True)
class Case:
    """A question with a known answer.

    Attributes:
        part: the table it counts in.
        name: of the image; examples of one name are made of one photo.
        label: the true class.
        fold: settings are chosen on the other folds.
        model: answers; has not been trained on the image.
        load: prepares the image.
    """

    part: str
    name: str
    label: int
    fold: int
    model: nn.Module
    load: Callable[[], Example]


@dataclass(frozen=True)
class Source:
    """Where images come from.

    Attributes:
        network: frozen, on the device.
        data: folder of `birds/` and `imagenet/`.
        device: where everything runs.
        images: most photos a part, evenly spread.
        leave_out: number of evenly spread photos a part that are left out.
        seed: of folds and canvases.
        size: side in pixels of what the network sees.
    """

    network: nn.Module
    data: Path
    device: torch.device
    images: int
    leave_out: int
    seed: int
    size: int

    def birds(self) -> list[Case]:
        """Each bird under the classifier that was trained on the other nine folds."""
        paths = sorted(self.data.glob("birds/*/*.jpg"))
        species = sorted({path.parent.name for path in paths})
        labels = [species.index(path.parent.name) for path in paths]
        folds = stratified_folds(labels, FOLDS, self.seed)
        pool = Pool(self._pooled(paths), torch.tensor(labels))
        heads = [
            Head(self.network, pool.train((folds != fold).nonzero()[:, 0]).to(self.device))
            for fold in range(FOLDS)
        ]
        chosen = self._chosen(paths)
        return [
            Case("birds", path.stem, label, fold, heads[fold], self._reader(path))
            for path, label, fold in zip(paths, labels, folds.tolist(), strict=True)
            if path in chosen
        ]

    def photos(self) -> list[Case]:
        """Each photo as it is, off the middle of a canvas, and among clutter; the network as it is."""
        paths = sorted(self.data.glob("imagenet/*.jpg"))
        folds = stratified_folds([0] * len(paths), FOLDS, self.seed).tolist()
        chosen = self._chosen(paths)
        cases = []
        for place, (path, fold) in enumerate(zip(paths, folds, strict=True)):
            others = [paths[(place + step) % len(paths)] for step in (1, 2, 3)]
            for part, load in self._variants(path, others, self.seed + place).items():
                cases.append(Case(part, path.stem, int(path.stem[:4]), fold, self.network, load))
        return [case for case in cases if any(case.name == path.stem for path in chosen)]

    def _chosen(self, paths: list[Path]) -> set[Path]:
        left = set(spread(paths, self.leave_out)) if self.leave_out else set()
        return set(spread([path for path in paths if path not in left], self.images))

    def _pooled(self, paths: Sequence[Path]) -> Tensor:
        """Pooled features (images, views, features) of what is trained on."""
        generator = torch.Generator().manual_seed(self.seed)
        features = self.network.get_submodule("features")
        pooled = []
        with torch.no_grad():
            for place, path in enumerate(paths, start=1):
                shown = views(self._reader(path)().inputs.cpu(), generator)
                pooled.append(features(shown.to(self.device)).mean((2, 3)).cpu())
                note(f"features of {place}/{len(paths)} birds", last=place == len(paths))
        return torch.stack(pooled)

    def _variants(self, path: Path, others: Sequence[Path], seed: int) -> dict[str, Callable[[], Example]]:
        def moved() -> Example:
            return self._on_canvas(off_centre(self._pixels(path), torch.Generator().manual_seed(seed)))

        def beside() -> Example:
            rest = torch.cat([self._pixels(other) for other in others])
            return self._on_canvas(cluttered(self._pixels(path), rest, torch.Generator().manual_seed(seed)))

        return {"photos": self._reader(path), "off-centre": moved, "cluttered": beside}

    def _reader(self, path: Path) -> Callable[[], Example]:
        def load() -> Example:
            prepare, photo = self._preparation, read(path)
            return self._example(prepare(photo).pixels, prepare.detail(photo).pixels)

        return load

    def _on_canvas(self, canvas: Tensor) -> Example:
        whole = torch.tensor([[0, 0, SIDE * self.size, SIDE * self.size]])
        return self._example(crop_resize(canvas, whole, (self.size, self.size)), canvas)

    def _example(self, *pixels: Tensor) -> Example:
        normal = (NORMALIZATION(one).contiguous(memory_format=torch.channels_last) for one in pixels)
        return Example(*(one.to(self.device) for one in normal))

    @property
    def _preparation(self) -> Preparation:
        return Preparation(self.size, round(self.size / SEEN))

    def _pixels(self, path: Path) -> Tensor:
        return self._preparation(read(path)).pixels


def note(text: str, last: bool) -> None:
    """Tell on standard error how far it is, on one line."""
    print(f"\r{text:<60}", end="\n" if last else "", file=sys.stderr, flush=True)
