"""Every further look at an image: centre crops, and what FIDO, GradCAM and integrated gradients lead to."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam
from torch import Tensor, nn

from captum_scd import FIDOMasks, MaskGuidedClassifier, __version__, infill
from captum_scd._writing import replacing
from captum_scd.classification import BoxRule, crop_resize
from captum_scd.provenance import fingerprint
from second_look.cases import Case, Example

IG_STEPS = 20
CENTRES = (0.8, 0.9, 0.7)
"""Sides of centre crops, as shares of the image's. The first setting of each method is its fixed one."""

RULES = {
    "default box": BoxRule(),
    "cut at 0.25": BoxRule(threshold=0.25),
    "all inside, 10 px": BoxRule(inside=1, padding=10),
}
"""Rules of the box, the same for every map: the library's, one for flatter maps, the paper's."""

Looks = dict[tuple[str, str], Tensor]
"""(method, setting) -> logits (looks, classes) of the further looks."""


@dataclass(frozen=True)
class Answer:
    """What the model of a case said of the whole image, and of each further look."""

    case: Case
    first: Tensor
    looks: Looks


@dataclass(frozen=True)
class Cache:
    """Masks and maps of a run that may have been broken off, by all they depend on but the image's pixels."""

    folder: Path
    iterations: int
    k: int
    seed: int
    bfloat16: bool

    def masks(self, case: Case, example: Example) -> FIDOMasks:
        """FIDO's masks for the k likeliest classes, one row each, without their infill."""
        number = "bf16" if self.bfloat16 else "f32"
        path = self._path(case, f"fido-{self.iterations}-{self.k}-{number}.npz")
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            replace(self._learned(case.model, example.inputs), infill=None, history={}).save(path)
        return FIDOMasks.load(path)

    def _learned(self, model: nn.Module, inputs: Tensor) -> FIDOMasks:
        if self.bfloat16:
            model, inputs = copy.deepcopy(model).bfloat16(), inputs.bfloat16()
        settings = {"n_iterations": self.iterations, "seed": self.seed}
        guided = MaskGuidedClassifier(model, k=self.k, settings=settings)
        with torch.no_grad():
            masks = guided.classify(inputs).masks
        assert masks is not None
        return masks

    def gradients(self, case: Case, example: Example, target: int) -> Tensor:
        """Integrated gradients from the blurred image, absolute value of the sum over channels, peak 1."""
        path = self._path(case, f"ig-{IG_STEPS}.npy")
        if not path.is_file():
            method, start = IntegratedGradients(case.model), infill.blur(example.inputs)
            options = {"n_steps": IG_STEPS, "internal_batch_size": IG_STEPS}
            values = method.attribute(example.inputs, start, target, **options).detach().sum(1, keepdim=True)
            peak = values.abs().amax().clamp(min=torch.finfo(values.dtype).tiny)
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as partial, partial.open("wb") as file:
                np.save(file, (values.abs() / peak).cpu().numpy().astype(np.float16))
        return torch.from_numpy(np.load(path)).float()

    def _path(self, case: Case, method: str) -> Path:
        """A file of its own for each version, part, seed, image, model and method."""
        folder = self.folder / f"{__version__}-{case.part}-seed{self.seed}"
        return folder / f"{case.name}-{fingerprint(case.model)[:12]}-{method}"


def ask(case: Case, cache: Cache) -> Answer:
    """Ask about the whole image and about every further look."""
    example = case.load()
    with torch.no_grad():
        first = case.model(example.inputs)
    looks = dict(_looks(case, example, int(first.argmax()), cache))
    return Answer(case, first[0].cpu(), {key: logits.cpu() for key, logits in looks.items()})


def _looks(
    case: Case, example: Example, target: int, cache: Cache
) -> Iterator[tuple[tuple[str, str], Tensor]]:
    masks = cache.masks(case, example)
    marked: dict[str, dict[str, Any]] = {
        "GradCAM crop": {"maps": _gradcam(case.model, example.inputs, target)},
        "IG crop": {"maps": cache.gradients(case, example, target)},
        "FIDO crop": {"masks": masks[0]},
    }
    if len(masks) > 1:
        marked[f"FIDO crops of {len(masks)}"] = {"masks": masks}
    with torch.no_grad():
        for side in CENTRES:
            yield ("centre crop", f"side {side:g}"), case.model(_centre(example, side))
        for method, found in marked.items():
            for name, rule in RULES.items():
                yield (method, name), _second(case.model, example, boxes=rule, **found)
        for mode in ("joint", "ssr"):
            yield ("FIDO blend", mode), _second(case.model, example, masks[0], view="blend", mode=mode)


def _gradcam(model: nn.Module, inputs: Tensor, target: int) -> Tensor:
    """GradCAM of the last map before the classifier, rectified, as coarse as it is."""
    method = LayerGradCam(model, model.get_submodule("features")[-1])  # type: ignore[index]
    values: Tensor = method.attribute(inputs, target, relu_attributions=True)
    return values.detach()


def _second(
    model: nn.Module, example: Example, masks: Any = None, maps: Any = None, **options: Any
) -> Tensor:
    guided = MaskGuidedClassifier(model, **options)
    return guided.classify(example.inputs, masks, maps, example.detail).second[0]


def _centre(example: Example, side: float) -> Tensor:
    height, width = example.detail.shape[2:]
    size = (example.inputs.shape[2], example.inputs.shape[3])
    near, far = (1 - side) / 2, (1 + side) / 2
    box = torch.tensor([[near * width, near * height, far * width, far * height]])
    return crop_resize(example.detail, box.to(example.detail), size)
