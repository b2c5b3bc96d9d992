"""What is measured of a trained network: is it right, and how much of the image does it look at?"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from captum.attr import LayerGradCam
from torch import Tensor, nn

from captum_scd import FIDOAttribution, infill, metrics
from overfocus.task import ROWS_AT_ONCE, Pictures, Task, through

HIDDEN = 0.1
"""Share of the pixels that is hidden, the most salient first."""

FIDO: dict[str, Any] = {"n_iterations": 20, "mask_size": 14, "n_restarts": 1}
"""Settings for many quick maps; the same for every row."""


def measure(task: Task, tail: nn.Module, n_fido: int, seed: int) -> dict[str, float]:
    """Measure a trained tail on the test images.

    Args:
        task: the experiment.
        tail: its trained part, in eval mode.
        n_fido: number of test images that FIDO explains; 0 leaves its columns out.
        seed: of FIDO.

    Returns:
        Shares and entropies in [0, 1] by column.
    """
    model = nn.Sequential(task.stem, tail).eval()
    cam = _gradcam(task, tail, "test")
    hidden = Pictures(hide(task.test.images, cam), task.test.labels)
    return {
        "accuracy": accuracy(tail, task.seen["test"]),
        "hidden": accuracy(model, hidden),
        "cam_area": spread(cam).mean().item(),
        "cam_entropy": entropy(cam).mean().item(),
        **(_by_fido(model, task.test.first(n_fido).images, seed) if n_fido else {}),
        **_probed(task, tail),
    }


def _by_fido(model: nn.Module, images: Tensor, seed: int) -> dict[str, float]:
    target = through(model, images).argmax(1)
    maps = FIDOAttribution(model).attribute(images, target=target, seed=seed, **FIDO)[:, :1]
    return {"fido_area": metrics.area(maps).mean().item(), "fido_entropy": entropy(maps).mean().item()}


def _probed(task: Task, tail: nn.Module) -> dict[str, float]:
    """Accuracy on each set of probes and in the worst group, and GradCAM's energy in the known regions."""
    found = {f"{name}_accuracy": accuracy(tail, task.seen[name]) for name in task.probes}
    for name, region in task.regions.items():
        energy = metrics.energy_pointing_game(_gradcam(task, tail, name), region)
        found[f"{name}_energy"] = energy.mean().item()
    if task.probes:
        found["worst_group"] = worst_group(tail, list(task.seen.values()))
    return found


def worst_group(model: nn.Module, sets: Sequence[Pictures]) -> float:
    """Least accuracy among groups: the images of one class in one of the sets."""
    groups = (
        Pictures(pictures.images[pictures.labels == label], pictures.labels[pictures.labels == label])
        for pictures in sets
        for label in pictures.labels.unique()
    )
    return min(accuracy(model, group) for group in groups)


def accuracy(model: nn.Module, pictures: Pictures) -> float:
    """Share of the images whose label has the largest logit."""
    return (through(model, pictures.images).argmax(1) == pictures.labels).float().mean().item()


def _gradcam(task: Task, tail: nn.Module, name: str) -> Tensor:
    """GradCAM of the predicted class, rectified and interpolated: (N, 1, H, W), not below 0."""
    method, maps = LayerGradCam(tail, tail.get_submodule(task.last)), []
    for part in task.seen[name].images.split(ROWS_AT_ONCE):
        predicted = through(tail, part).argmax(1)
        small = method.attribute(part, predicted, relu_attributions=True).detach()
        maps.append(F.interpolate(small, task.test.images.shape[2:], mode="bilinear"))
    return torch.cat(maps)


def spread(maps: Tensor) -> Tensor:
    """Mean of each map relative to its peak: (N, 1, H, W), not below 0 -> (N,) in [0, 1], 0 for no map."""
    peak = maps.flatten(1).amax(1)
    return maps.flatten(1).mean(1) / peak.where(peak > 0, 1.0)


def entropy(maps: Tensor) -> Tensor:
    """Shannon entropy of each map as a distribution over pixels, relative to the largest possible.

    Args:
        maps: (N, 1, H, W), not below 0.

    Returns:
        (N,) in [0, 1]: 0 for one pixel, or no map at all; 1 for a flat map.
    """
    energy = maps.flatten(1)
    total = energy.sum(1, keepdim=True)
    share = energy / total.where(total > 0, 1.0)
    return -torch.xlogy(share, share).sum(1) / math.log(share.shape[1])


def hide(images: Tensor, maps: Tensor, share: float = HIDDEN) -> Tensor:
    """Replace the most salient pixels of each image (N, 3, H, W) by those of the blurred image."""
    flat = maps.flatten(1)
    top = flat.topk(round(share * flat.shape[1]), dim=1).indices
    gone = torch.zeros_like(flat, dtype=torch.bool).scatter_(1, top, True).view_as(maps)
    return torch.where(gone, infill.blur(images), images)
