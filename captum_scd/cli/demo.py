"""`captum-scd demo`: FIDO beside other methods on images whose decisive detail is known, offline."""

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam
from torch import Tensor

from captum_scd import visualization
from captum_scd._errors import UsageError, one_line, written
from captum_scd.attribution import FIDOAttribution
from captum_scd.cli.option_types import check_writable
from captum_scd.demo import SPECIES, BeetleNet, DemoImages, generate, load, normalize
from captum_scd.masks import FIDOMasks
from captum_scd.metrics import area, energy_pointing_game, iou
from captum_scd.runs.folder import write_figure
from captum_scd.tables import table

FIGURE = "captum_scd_demo.png"
CUT = 0.5
"""Where the map is cut to a region."""


def run(options: argparse.Namespace) -> int:
    """Explain the demo's images by all methods, draw one figure, print one table; return the exit code."""
    check_writable(options.out)
    model = _network()
    pictures = generate(options.images, seed=options.seed)
    inputs = normalize(pictures.images)
    with torch.no_grad():
        probabilities = model(inputs).softmax(1)
    maps = attributions(model, inputs, pictures.labels, options.seed)
    shares = {name: energy_pointing_game(one, pictures.details) for name, one in maps.items()}
    path = options.out / FIGURE
    _draw(path, pictures, probabilities, maps, shares)
    print(_table(shares, area(pictures.details)))
    print(_region(maps["FIDO"] >= CUT, pictures.details))
    right = int((probabilities.argmax(1) == pictures.labels).sum())
    print(f"the network names {right} of {len(pictures)} beetles right; figure in {path}")
    return 0


def attributions(model: BeetleNet, inputs: Tensor, labels: Tensor, seed: int) -> dict[str, Tensor]:
    """Explain the true species by FIDO, GradCAM and integrated gradients.

    Args:
        model: the demo's network.
        inputs: (N, 3, H, W) normalised images.
        labels: (N,) species.
        seed: of FIDO.

    Returns:
        By name, maps (N, 1 or 3, H, W); larger is more important. GradCAM is of the last feature map,
        interpolated, without its negative part; integrated gradients start at the infill of FIDO.
    """
    masks = _fido(model, inputs, labels, seed)
    gradcam = LayerGradCam(model, model.features).attribute(inputs, labels, relu_attributions=True)
    size = (inputs.shape[2], inputs.shape[3])
    gradients = IntegratedGradients(model).attribute(inputs, masks.infill, labels, internal_batch_size=50)
    return {
        "FIDO": masks.joint,
        "GradCAM": LayerAttribution.interpolate(gradcam, size, "bilinear").detach(),
        "Integrated gradients": gradients.detach(),
    }


def _fido(model: BeetleNet, inputs: Tensor, labels: Tensor, seed: int) -> FIDOMasks:
    fido = FIDOAttribution(model)
    _, masks = fido.attribute(inputs, target=labels, seed=seed, return_masks=True, show_progress=True)
    learned: FIDOMasks = masks
    return learned


def _network() -> BeetleNet:
    try:
        return load()
    except OSError as error:
        raise UsageError(f"Expected the demo's weights in the package, but {one_line(error)}.") from error


def _draw(
    path: Path,
    pictures: DemoImages,
    probabilities: Tensor,
    maps: Mapping[str, Tensor],
    shares: Mapping[str, Tensor],
) -> None:
    title = "Which pixels tell these beetles apart?"
    labels = _labels(pictures.labels, probabilities)
    figure, _ = visualization.maps_figure(pictures.images, maps, pictures.details, shares, labels, title)
    with written(path):
        write_figure(figure, path)


def _labels(species: Tensor, probabilities: Tensor) -> list[str]:
    """Name each image's species, with the probability the network gives it."""
    given = probabilities.gather(1, species[:, None])[:, 0]
    return [f"{SPECIES[k]}, p = {p:.2f}" for k, p in zip(species.tolist(), given.tolist(), strict=True)]


def _table(shares: Mapping[str, Tensor], detail: Tensor) -> str:
    """Mean share of each method on the detail; the last line is what a map that lies anywhere scores."""
    rows = [(name, f"{values.mean():.1%}") for name, values in shares.items()]
    return table(
        ("map", "share on the detail"),
        rows,
        ("area of the detail (a map that lies anywhere)", f"{detail.mean():.1%}"),
    )


def _region(region: Tensor, detail: Tensor) -> str:
    """Compare FIDO's region with the detail: how far they overlap, and which is larger."""
    sizes = area(region) / area(detail)
    return (
        f"FIDO's map cut at {CUT}: IoU with the detail {iou(region, detail).mean():.2f}; "
        f"{sizes.min():.1f} to {sizes.max():.1f} times as large as the detail"
    )
