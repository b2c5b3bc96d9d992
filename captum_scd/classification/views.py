"""What the second look is shown: the box, the image blended with its infill, or the box of the blend."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from captum_scd._strategies import Strategies
from captum_scd.classification.crops import crop_resize
from captum_scd.composites import blend as blended
from captum_scd.grid import resize


@dataclass(frozen=True, eq=False)
class Scene:
    """All that a view may draw on, one row per look.

    Attributes:
        inputs: (rows, C, H, W), what the first look saw.
        detail: (rows, C, h, w), the same at the resolution that boxes are cut from.
        mask: (rows, 1, H, W) in [0, 1], 1 where the map marks most.
        boxes: (rows, 4) in pixels of the inputs.
        fill: gives the infill (rows, C, H, W); called by those views that need one.
    """

    inputs: Tensor
    detail: Tensor
    mask: Tensor
    boxes: Tensor
    fill: Callable[[], Tensor]


View = Callable[[Scene], Tensor]


def crop(scene: Scene) -> Tensor:
    """Cut the boxes out of the detail, at the inputs' size."""
    return _cut(scene.detail, scene)


def blend(scene: Scene) -> Tensor:
    """Keep the inputs where the mask is 1, their infill where it is 0."""
    return blended(scene.mask, scene.inputs, scene.fill())


def blend_crop(scene: Scene) -> Tensor:
    """Cut the boxes out of the blend, at the inputs' size; the view of Korsch et al. 2023."""
    height, width = scene.detail.shape[2:]
    mask, infill = (resize(values, (height, width)) for values in (scene.mask, scene.fill()))
    return _cut(blended(mask, scene.detail, infill), scene)


VIEWS: Strategies[View] = Strategies("view", {"crop": crop, "blend": blend, "blend_crop": blend_crop})


def _cut(images: Tensor, scene: Scene) -> Tensor:
    """Carry the boxes over to images of another resolution, and cut there."""
    height, width = scene.inputs.shape[2:]
    far = scene.boxes.new_tensor((images.shape[3], images.shape[2]) * 2)
    edges = scene.boxes * far / scene.boxes.new_tensor((width, height) * 2)
    return crop_resize(images, edges.minimum(far.to(edges)), (height, width))
