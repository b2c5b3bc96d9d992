"""A network trained on ImageNet and photos it was not drawn for: what the masks promise, at defaults.

Four photos only, so that it is quick; the means over all 48 are what `benchmarks/quality.py` prints.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from captum.attr import Saliency
from PIL import Image
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, infill, metrics
from captum_scd.cli import main

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Learned:
    """Masks at the library's defaults, and what cut at 0.5 they do, relative to the whole image."""

    masks: FIDOMasks
    kept: Tensor
    left: Tensor


def learn(network: nn.Module, inputs: Tensor, target: Any, **options: Any) -> FIDOMasks:
    _, masks = FIDOAttribution(network).attribute(inputs, target=target, return_masks=True, **options)
    learned: FIDOMasks = masks
    return learned


@pytest.fixture(scope="module")
def learned(network: nn.Module, photos: Any) -> Learned:
    masks = learn(network, photos.inputs, photos.targets)
    seen = (torch.ones_like(masks.ssr), masks.threshold(0.5, "ssr"), ~masks.threshold(0.5, "sdr"))
    whole, kept, left = (
        metrics.probability_under(network, photos.inputs, mask, masks.infill, photos.targets) for mask in seen
    )
    return Learned(masks, (kept / whole).clamp(max=1), (left / whole).clamp(max=1))


def difference(network: nn.Module, photos: Any, attributions: Tensor) -> float:
    """Mean of insertion minus deletion."""
    baseline = infill.blur(photos.inputs)
    curves = metrics.insertion_deletion(
        network, photos.inputs, attributions, baseline, photos.targets, n_steps=20
    )
    return curves.difference.mean().item()


def test_the_network_is_sure_of_the_photos(network: nn.Module, photos: Any) -> None:
    with torch.no_grad():
        probability = network(photos.inputs).softmax(1).amax(1)
    assert [int(path.name[:4]) for path in photos.paths] == photos.targets.tolist()
    assert probability.min() > 0.5


def test_the_sufficient_region_suffices(learned: Learned) -> None:
    assert learned.kept.mean() >= 0.9


def test_the_destroying_region_destroys(learned: Learned) -> None:
    """The mean over all 48 is below 0.05, see README.md; that over these four moves with round-off."""
    assert learned.left.mean() <= 0.1


@pytest.mark.parametrize("mode", ["ssr", "sdr"])
def test_the_regions_are_small(learned: Learned, mode: str) -> None:
    assert 0 < metrics.area(learned.masks.threshold(0.5, mode)).mean() < 0.35


def test_the_joint_map_ranks_pixels_better_than_chance_and_gradients(
    network: nn.Module, photos: Any, learned: Learned
) -> None:
    chance = torch.rand(learned.masks.joint.shape, generator=torch.Generator().manual_seed(0))
    gradients = Saliency(network).attribute(photos.inputs.clone().requires_grad_(), photos.targets).detach()
    ours = difference(network, photos, learned.masks.joint)
    assert ours > difference(network, photos, chance) + 0.3
    assert ours > difference(network, photos, gradients)


def test_an_example_does_not_depend_on_its_batch(network: nn.Module, photos: Any) -> None:
    two, targets = photos.inputs[:2], photos.targets[:2]
    together = learn(network, two, targets, n_iterations=4).joint
    apart = [
        learn(network, two[i : i + 1], targets[i : i + 1], n_iterations=4, seed=0).joint for i in range(2)
    ]
    assert (together - torch.cat(apart)).abs().max() < 1e-2


def test_a_seed_gives_the_same_masks_to_the_bit(network: nn.Module, photos: Any) -> None:
    first, second = (
        learn(network, photos.inputs[:1], photos.targets[:1], n_iterations=4, seed=3) for _ in range(2)
    )
    assert torch.equal(first.ssr_cells, second.ssr_cells)
    assert torch.equal(first.sdr_cells, second.sdr_cells)


def test_the_network_is_left_as_it_was(network: nn.Module, photos: Any) -> None:
    state = {name: value.clone() for name, value in network.state_dict().items()}
    flags = [parameter.requires_grad for parameter in network.parameters()]
    chance = torch.get_rng_state()
    learn(network, photos.inputs[:1], photos.targets[:1], n_iterations=2)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert [parameter.requires_grad for parameter in network.parameters()] == flags
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(
        part.training or part._forward_hooks or part._forward_pre_hooks for part in network.modules()
    )
    assert torch.equal(torch.get_rng_state(), chance)


def test_contrast_tells_why_this_class_and_not_the_next(network: nn.Module, photos: Any) -> None:
    one = photos.inputs[:1]
    with torch.no_grad():
        first, second = network(one).topk(2).indices[0].tolist()
    forth = learn(network, one, first, contrast_target=second, n_iterations=10).joint
    back = learn(network, one, second, contrast_target=first, n_iterations=10).joint
    assert (forth - back).abs().max() > 0.2


def test_the_command_line_explains_a_photo(data: Path, photos: Any, tmp_path: Path) -> None:
    model, classes = data / "squeezenet.py", data / "imagenet_classes.txt"
    options = [
        "--model",
        f"{model}:load",
        "--classes",
        str(classes),
        "--iterations",
        "6",
        "--size",
        "256",
        "--resize",
        "256",
    ]
    assert main(["explain", str(photos.paths[0]), "--out", str(tmp_path), *options]) == 0
    name = photos.paths[0].stem
    summary = json.loads((tmp_path / f"{name}.json").read_text())
    assert summary["predicted"]["index"] == int(name[:4])
    assert {"image", "ssr", "sdr"} <= summary["probability"].keys()
    assert all(0 <= value <= 1 for value in summary["probability"].values())
    with Image.open(tmp_path / f"{name}.png") as figure:
        figure.load()
        assert figure.width > figure.height
    assert len(FIDOMasks.load(tmp_path / f"{name}.npz")) == 1
