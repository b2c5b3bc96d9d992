"""`MaskGuidedClassifier`: classify an image again, looking only at the region that mattered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from captum_scd import infill as infills
from captum_scd.attribution import FIDOAttribution
from captum_scd.classification.boxes import BoxRule
from captum_scd.classification.combination import COMBINATIONS, Combination
from captum_scd.classification.views import VIEWS, Scene, View
from captum_scd.forward import copied
from captum_scd.grid import resize
from captum_scd.masks import FIDOMasks, check_mode
from captum_scd.network import in_plain_words, independent
from captum_scd.outputs import logits_in
from captum_scd.settings import NAMES

Boxes = Callable[[Tensor], Tensor]
DEFAULT_BOXES = BoxRule()

SETTINGS = frozenset(NAMES) - {"mode"} | {"baselines", "feature_mask", "contrast_target", "show_progress"}
"""Options of `FIDOAttribution.attribute` that may be handed on."""


@dataclass(frozen=True, eq=False)
class GuidedPrediction:
    """An answer in two looks, and what it rests on.

    Attributes:
        logits: (N, classes), the combined answer.
        first: (N, classes), the answer to the whole image.
        second: (N, k, classes), the answer to each further look.
        boxes: (N, k, 4) long, x0, y0, x1, y1 in pixels of the inputs, the far edges exclusive.
        seen: (N, k, C, H, W), what each further look was shown.
        masks: N * k rows; the k rows of one example are adjacent. None where maps were given. They can be
            given to `classify` again, to try other views and combinations without learning anew.

    >>> model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5)).eval()
    >>> maps = torch.rand(2, 1, 16, 16)
    >>> prediction = MaskGuidedClassifier(model).classify(torch.randn(2, 3, 16, 16), maps=maps)
    >>> prediction.logits.shape, prediction.second.shape, prediction.boxes.shape
    (torch.Size([2, 5]), torch.Size([2, 1, 5]), torch.Size([2, 1, 4]))
    """

    logits: Tensor
    first: Tensor
    second: Tensor
    boxes: Tensor
    seen: Tensor
    masks: FIDOMasks | None


class MaskGuidedClassifier(nn.Module):
    """Improve a classifier's answer, without training, by a second look at the region that mattered.

    This is the mask-guided classification of Korsch et al. 2023 (arXiv 2307.14825). Masks are learned for the
    class that the model predicts (or for its k likeliest classes). The image is cropped to the box around the
    mask, or replaced by the infill outside the mask, or both. The model classifies the result, and the
    answers of all looks are combined.

    Gradients, if enabled, flow through the forward passes of the looks, but not through masks or boxes.
    The model is left as it was, see `FIDOAttribution`; it should be in eval mode.

    Args:
        model: returns logits (N, classes) of at least two classes for images (N, C, H, W).
        fido: learns the masks, and gives the infill of blends with another method's map; by default
            `FIDOAttribution(model)`.
        view: what the second look is shown: `"crop"`, `"blend"`, `"blend_crop"`, or a callable that takes a
            `Scene`.
        boxes: the rule of the box, or any callable (rows, 1, H, W) map -> (rows, 4) pixels.
        combine: `"mean_logits"`, `"mean_probabilities"`, `"confidence"`, `"replace"`, or a callable
            (N, 1 + k, classes) -> (N, classes) that gets the first look's logits first.
        k: how many of the likeliest classes masks are learned for, one further look each.
        mode: which mask is boxed and blended by, `"joint"`, `"ssr"` or `"sdr"`.
        settings: options of `FIDOAttribution.attribute`, such as `n_iterations` and `seed`.

    Raises:
        ValueError: for an unknown strategy, mode or setting, or k below 1.
        TypeError: for a model that is not callable, or k that is no integer.

    >>> model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5))
    >>> guided = MaskGuidedClassifier(model.eval(), settings={"n_iterations": 4})
    >>> guided(torch.randn(2, 3, 16, 16)).shape
    torch.Size([2, 5])
    """

    def __init__(
        self,
        model: Callable[..., Any],
        fido: FIDOAttribution | None = None,
        *,
        view: str | View = "crop",
        boxes: Boxes = DEFAULT_BOXES,
        combine: str | Combination = "mean_logits",
        k: int = 1,
        mode: str = "joint",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        VIEWS.resolve(view)
        COMBINATIONS.resolve(combine)
        _check_options(k, mode, settings or {})
        self.model = model
        self.fido = FIDOAttribution(model) if fido is None else fido
        self.view, self.boxes, self.combine = view, boxes, combine
        self.k, self.mode, self.settings = k, mode, dict(settings or {})

    def forward(self, inputs: Tensor, masks: FIDOMasks | None = None, maps: Tensor | None = None) -> Tensor:
        """Return the combined logits (N, classes); arguments as for `classify`."""
        return self.classify(inputs, masks, maps).logits

    def classify(
        self,
        inputs: Tensor,
        masks: FIDOMasks | None = None,
        maps: Tensor | None = None,
        detail: Tensor | None = None,
    ) -> GuidedPrediction:
        """Classify a batch, and return all that led to the answers.

        Args:
            inputs: (N, C, H, W), as the model takes them.
            masks: masks learned before, instead of learning them now; N rows, or k times as many, with the
                k looks of each example one after another.
            maps: another method's maps instead of masks, (N or k * N, C, h, w) of any resolution;
                channels are summed, larger is more important, values below 0 count as 0.
            detail: (N, C, h, w), the same images at a higher resolution, for boxes to be cut from; by
                default the inputs.

        Returns:
            See `GuidedPrediction`; all on the inputs' device.

        Raises:
            TypeError: for a model that returns no tensor.
            ValueError: for masks, maps or detail that do not fit the inputs, both masks and maps, or a model
                that does not return logits of at least two classes.
        """
        _check_inputs(inputs, detail)
        first = self._logits(inputs)
        if masks is None and maps is None:
            masks = self._learned(inputs, first)
        scene = self._scene(inputs, self._map(inputs, masks, maps), masks, detail)
        seen = VIEWS.resolve(self.view)(scene)
        second = self._logits(seen).unflatten(0, (len(inputs), -1))
        looks = torch.cat([first[:, None], second], dim=1)
        return GuidedPrediction(
            self._combined(looks),
            first,
            second,
            scene.boxes.unflatten(0, (len(inputs), -1)),
            seen.unflatten(0, (len(inputs), -1)),
            masks,
        )

    def _combined(self, looks: Tensor) -> Tensor:
        """Combine logits (N, looks, classes); independent classes each as one of two, absent and present."""
        combination = COMBINATIONS.resolve(self.combine)
        if not (independent(self.model) and combination in COMBINATIONS.values()):
            return combination(looks)
        logits = looks.movedim(2, 1).flatten(0, 1)
        pairs = combination(torch.stack([torch.zeros_like(logits), logits], dim=2))
        return (pairs[:, 1] - pairs[:, 0]).view(len(looks), -1)

    def _logits(self, inputs: Tensor) -> Tensor:
        with in_plain_words(self.model, (inputs,), len(inputs)):
            output = logits_in(self.model(copied(inputs)))
        if output.ndim != 2 or len(output) != len(inputs) or output.shape[1] < 2:
            raise ValueError(
                f"Expected the model to return logits ({len(inputs)}, classes) of at least two classes, "
                f"but got shape {tuple(output.shape)}."
            )
        return output

    def _learned(self, inputs: Tensor, first: Tensor) -> FIDOMasks:
        """Learn masks for the likeliest classes of each example."""
        if self.k > first.shape[1]:
            raise ValueError(f"Expected `k` of at most {first.shape[1]} classes, but got {self.k}.")
        likeliest = first.detach().topk(self.k, dim=1).indices
        rows = inputs.repeat_interleave(self.k, dim=0)
        options = {**self.settings, "return_masks": True}
        _, masks = self.fido.attribute(rows, target=likeliest.flatten(), **options)
        learned: FIDOMasks = masks
        return learned

    def _map(self, inputs: Tensor, masks: FIDOMasks | None, maps: Tensor | None) -> Tensor:
        """Bring masks or maps to (rows, 1, H, W), in [0, 1]."""
        if masks is not None and maps is not None:
            raise ValueError("Expected `masks` or `maps`, but got both.")
        if masks is not None:
            _check_rows("masks", inputs, len(masks))
            if tuple(masks.size) != tuple(inputs.shape[2:]):
                raise ValueError(f"Expected masks of size {tuple(inputs.shape[2:])}, but got {masks.size}.")
            return masks.mask(self.mode).to(inputs.device)
        assert maps is not None
        return _unit(maps, inputs)

    def _scene(self, inputs: Tensor, mask: Tensor, masks: FIDOMasks | None, detail: Tensor | None) -> Scene:
        looks = len(mask) // len(inputs)
        rows = inputs.repeat_interleave(looks, dim=0)
        source = rows if detail is None else detail.repeat_interleave(looks, dim=0)

        def fill() -> Tensor:
            return self._infill(rows) if masks is None or masks.infill is None else masks.infill.to(rows)

        return Scene(rows, source, mask, self.boxes(mask), fill)

    def _infill(self, rows: Tensor) -> Tensor:
        generator = Generator().manual_seed(self.settings.get("seed", 0))
        return infills.resolve(infills.several(self.fido.infill)[0])(rows, generator)


def _unit(maps: Tensor, inputs: Tensor) -> Tensor:
    """Maps (rows, C, h, w) of any method -> (rows, 1, H, W), by their peaks in [0, 1]."""
    if maps.ndim != 4 or not maps.isfinite().all():
        raise ValueError(f"Expected finite maps (N, C, h, w), but got shape {tuple(maps.shape)}.")
    _check_rows("maps", inputs, len(maps))
    energy = maps.detach().to(inputs.device).float().sum(1, keepdim=True).clamp(min=0)
    full = resize(energy, (inputs.shape[2], inputs.shape[3]))
    return full / full.amax((2, 3), keepdim=True).clamp(min=torch.finfo(full.dtype).tiny)


def _check_options(k: object, mode: str, settings: Mapping[str, Any]) -> None:
    if isinstance(k, bool) or not isinstance(k, int):
        raise TypeError(f"Expected `k` to be an integer, but got {k!r}.")
    if k < 1:
        raise ValueError(f"Expected `k` to be at least 1, but got {k}.")
    check_mode(mode)
    unknown = sorted(set(settings) - SETTINGS)
    if unknown:
        raise ValueError(f"Expected `settings` among {', '.join(sorted(SETTINGS))}, but got {unknown[0]!r}.")


def _check_inputs(inputs: Tensor, detail: Tensor | None) -> None:
    if inputs.ndim != 4 or not inputs.is_floating_point() or inputs.numel() == 0:
        raise ValueError(
            "Expected floating-point images (N, C, H, W) and nothing empty, "
            f"but got {inputs.dtype} {tuple(inputs.shape)}."
        )
    if detail is not None and (detail.ndim != 4 or detail.shape[:2] != inputs.shape[:2]):
        raise ValueError(
            f"Expected `detail` of the same {tuple(inputs.shape[:2])} images and channels, "
            f"but got {tuple(detail.shape)}."
        )


def _check_rows(name: str, inputs: Tensor, rows: int) -> None:
    if rows == 0 or rows % len(inputs):
        raise ValueError(f"Expected `{name}` for each of {len(inputs)} images, but got {rows}.")
