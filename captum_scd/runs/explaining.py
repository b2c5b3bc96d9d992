"""`Explaining`: learn the masks of images, batch by batch, with one network and fixed settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from captum_scd import infill as infills
from captum_scd._errors import ImageError, one_line
from captum_scd._strategies import describe
from captum_scd._warnings import once
from captum_scd.attribution import FIDOAttribution
from captum_scd.forward import preserved
from captum_scd.look_alikes import NEAREST
from captum_scd.masks import THRESHOLD, FIDOMasks
from captum_scd.metrics.probability import shown_by
from captum_scd.provenance import fingerprint
from captum_scd.runs.facts import class_probabilities, cut_areas, probabilities_shown, row_of
from captum_scd.scoring import used
from captum_scd.settings import NAMES, Settings
from captum_scd.store import Entry

NOT_KEPT = ("mode", "trajectory", "internal_batch_size")
"""Settings that the masks of a store do not depend on."""

Model = nn.Module | Callable[[], nn.Module]


@dataclass(frozen=True)
class Explaining:
    """Learn the masks of batches of images, with the network's class probabilities and the masks' areas.

    Call it with keys and images to get one `Entry` per image. It can be pickled and sent to other processes;
    a network that `model` loaded is left out, and loaded again there.

    Attributes:
        model: a network that gives logits (N, classes), or (N,) for one class, or a function without
            arguments that loads one.
        settings: options of `FIDOAttribution.attribute`, numbers, seed and `contrast_target`, which is one
            class for all images or `"nearest"`.
        method: options of `FIDOAttribution`.
        device: where the network runs; None leaves it where it is.
        fully: whether entries hold all that is kept in a folder, and not only what a store holds: masks with
            their infill, history and further regions, and what the network says of soft masks and of the
            infill alone.

    Raises:
        ValueError: for settings out of range, or a `contrast_target` together with another score.
        TypeError: for unknown settings, or a `contrast_target` that is neither one class nor `"nearest"`.

    >>> colour = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    >>> image = torch.zeros(1, 3, 8, 8)
    >>> image[:, 0, 2:6, 2:6] = 1
    >>> (entry,) = Explaining(colour, {"n_iterations": 2, "mask_size": 4})(["robin.jpg"], image)
    >>> entry.key, entry.predicted, entry.masks.joint.shape
    ('robin.jpg', 0, torch.Size([1, 1, 8, 8]))
    """

    model: Model
    settings: Mapping[str, Any] = field(default_factory=dict)
    method: Mapping[str, Any] = field(default_factory=dict)
    device: str | None = None
    fully: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module) and not callable(self.model):
            raise TypeError(
                f"Expected `model` to be a network or a function that loads one, "
                f"but got {type(self.model).__name__}."
            )
        known = {*NAMES, "contrast_target"} - {"mode", "trajectory"}
        known -= set() if self.fully else {"alternatives"}
        for name in self.settings:
            if name not in known:
                raise TypeError(f"Expected settings among {', '.join(sorted(known))}, but got {name!r}.")
        self.record()

    @cached_property
    def network(self) -> nn.Module:
        """The network, loaded once per process."""
        network = self.model if isinstance(self.model, nn.Module) else self.model()
        return network if self.device is None else network.to(self.device)

    def record(self) -> dict[str, Any]:
        """Everything the masks depend on beside network and image, defaults too."""
        fido = FIDOAttribution(nn.Identity(), **self.method)
        contrast = _checked_contrast(self.settings.get("contrast_target"))
        infill = infills.named(infills.several(fido.infill))
        strategies = {"infill": infill, "sampler": describe(fido.sampler)}
        strategies["score"] = used(fido.score, contrast).name
        given = {name: value for name, value in self.settings.items() if name != "contrast_target"}
        numbers = Settings(**given).record()
        kept = {name: value for name, value in numbers.items() if name not in NOT_KEPT}
        return {**strategies, **kept, "contrast_target": contrast}

    def identity(self, classes: Sequence[str] = (), preparation: Any = None) -> dict[str, Any]:
        """Describe what made these entries, for the store that holds them.

        Args:
            classes: names in output order, empty where they are not known.
            preparation: how images were made of files, as JSON can hold it.
        """
        return {
            "settings": self.record(),
            "model": fingerprint(self.network),
            "classes": list(classes),
            "preparation": preparation,
        }

    @once()
    def __call__(
        self,
        keys: Sequence[str],
        images: Tensor,
        targets: Sequence[int | None] | None = None,
        labels: Sequence[int | None] | None = None,
        sources: Sequence[str] | None = None,
        digests: Sequence[str] | None = None,
    ) -> list[Entry]:
        """Explain a batch.

        Args:
            keys: of the images.
            images: (N, C, *size), as the network takes them.
            targets: classes to explain, None (for all, or one of them) for the predicted one.
            labels: true classes, where they are known.
            sources: paths or URLs.
            digests: hashes of the files.

        Returns:
            An entry per image, with masks on the CPU.

        Raises:
            ImageError: if the network's answer is not finite, or is the contrast class itself; `each`
                finds out which image it is.
        """
        inputs = images.to(self._where())
        with preserved(self.network, [inputs.device]):
            probabilities = class_probabilities(self.network, inputs)
        predicted = probabilities.argmax(1).tolist()
        given = [None] * len(keys) if targets is None else targets
        asked = [best if one is None else int(one) for one, best in zip(given, predicted, strict=True)]
        if self.settings.get("contrast_target") in asked:
            raise ImageError("it would be explained as the contrast class itself")
        masks = self._learned(inputs, asked if probabilities.shape[1] > 1 else None)
        chances = self._probabilities(inputs, masks, probabilities, asked)
        areas = cut_areas(masks)
        others = masks.settings["contrast_target"] or [()] * len(masks)
        masks = (masks if self.fully else _kept(masks)).to("cpu")
        none, empty = [None] * len(keys), [""] * len(keys)
        return [
            Entry(
                key,
                masks[row],
                asked[row],
                predicted[row],
                row_of(chances, row),
                row_of(areas, row),
                label,
                source,
                others[row],
                digest,
            )
            for row, (key, label, source, digest) in enumerate(
                zip(keys, labels or none, sources or empty, digests or empty, strict=True)
            )
        ]

    def each(
        self,
        keys: Sequence[str],
        images: Tensor,
        targets: Sequence[int | None] | None = None,
        labels: Sequence[int | None] | None = None,
        sources: Sequence[str] | None = None,
        digests: Sequence[str] | None = None,
    ) -> tuple[list[Entry], dict[str, str]]:
        """Explain a batch; where that raises, one image after another.

        Returns:
            Entries, and reasons why there is none of the other keys.
        """
        columns = (keys, images, targets, labels, sources, digests)
        try:
            return self(*columns), {}
        except Exception as error:
            if len(keys) == 1:
                known = isinstance(error, ImageError)
                return [], {keys[0]: str(error) if known else f"explaining it raised {one_line(error)}"}
        entries: list[Entry] = []
        failed: dict[str, str] = {}
        for row in range(len(keys)):
            found, reasons = self.each(*_row(columns, row))
            entries += found
            failed |= reasons
        return entries, failed

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def _where(self) -> torch.device:
        tensors = [*self.network.parameters(), *self.network.buffers()]
        return tensors[0].device if tensors else torch.device(self.device or "cpu")

    def _learned(self, inputs: Tensor, targets: list[int] | None) -> FIDOMasks:
        fido = FIDOAttribution(self.network, **self.method)
        masks: FIDOMasks
        _, masks = fido.attribute(inputs, target=targets, return_masks=True, **self.settings)
        return masks

    def _probabilities(
        self, inputs: Tensor, masks: FIDOMasks, probabilities: Tensor, targets: list[int]
    ) -> dict[str, Tensor]:
        rows = torch.arange(len(targets), device=probabilities.device)
        masked = {**shown_by(masks, THRESHOLD), **(_softly(masks) if self.fully else {})}
        named = targets if probabilities.shape[1] > 1 else None
        shown = probabilities_shown(self.network, inputs, masks.infill, masked, named)
        return {"image": probabilities[rows, targets], "predicted": probabilities.amax(1), **shown}


def _checked_contrast(contrast: object) -> int | str | None:
    """Return what every image of a data set can be contrasted with, else raise."""
    if isinstance(contrast, bool) or not (contrast in (None, NEAREST) or isinstance(contrast, int)):
        raise TypeError(
            f"Expected `contrast_target` to be one class for all images or {NEAREST!r}, but got {contrast!r}."
        )
    return contrast


def _softly(masks: FIDOMasks) -> dict[str, Tensor]:
    """What is shown by all of the image, by masks that are not cut, and by none of it; 1 keeps."""
    return {
        "image": torch.ones_like(masks.ssr),
        "ssr_soft": masks.ssr,
        "sdr_soft": 1 - masks.sdr,
        "infill": torch.zeros_like(masks.ssr),
    }


def _kept(masks: FIDOMasks) -> FIDOMasks:
    """Leave out what a store does not hold."""
    return FIDOMasks(
        masks.ssr_cells, masks.sdr_cells, masks.size, settings=masks.settings, verdict=masks.verdict
    )


def _row(columns: tuple[Any, ...], row: int) -> tuple[Any, ...]:
    return tuple(None if column is None else column[row : row + 1] for column in columns)
