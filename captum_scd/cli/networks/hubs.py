"""Networks by their names in torchvision, timm and transformers, with what these know of their inputs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image
from torch import nn

from captum_scd.cli.networks.foreign import checked, library, refusing
from captum_scd.cli.networks.stated import Stated, normalizing, said_by
from captum_scd.models import logits_of

SIDE = 512
"""Pixels; of the plain images that an image processor is asked about."""


def from_torchvision(name: str) -> tuple[nn.Module, Stated]:
    """Load a network with its default weights.

    Raises:
        UsageError: if that fails.
    """
    spec = f"torchvision:{name}"
    models = library("torchvision.models", spec, "timm")
    with refusing(f"torchvision to build and load {name!r}"):
        network = checked(models.get_model(name, weights="DEFAULT"), spec)
        weights = models.get_model_weights(name).DEFAULT
        shown, about = weights.transforms(), weights.meta
    size, resize = (_first(getattr(shown, which, None)) for which in ("crop_size", "resize_size"))
    scaled = normalizing(getattr(shown, "mean", None), getattr(shown, "std", None))
    return network, Stated(size, resize, *scaled, tuple(about.get("categories", ())))


def from_timm(name: str) -> tuple[nn.Module, Stated]:
    """Load a network with its pretrained weights.

    Raises:
        UsageError: if that fails.
    """
    spec = f"timm:{name}"
    timm = library("timm", spec, "timm")
    with refusing(f"timm to build and load {name!r}"):
        network = checked(timm.create_model(name, pretrained=True), spec)
        names = _timm_names(library("timm.data", spec, "timm"), network)
    return network, replace(said_by(network), names=names)


def from_hugging_face(name: str) -> tuple[nn.Module, Stated]:
    """Load a network of transformers from the hub or from a folder, with its image processor.

    Raises:
        UsageError: if that fails.
    """
    transformers = library("transformers", f"hf:{name}", "hf")
    with refusing(f"transformers to load {name!r} for image classification"):
        network = transformers.AutoModelForImageClassification.from_pretrained(name)
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(name)
    except (OSError, ValueError):  # there is none beside the network, or none for images
        return logits_of(network.float()), Stated(names=_hf_names(network.config))
    with refusing(f"the image processor of {name!r} to take a plain image"):
        inputs = _processed(processor)
    return logits_of(network.float()), replace(inputs, names=_hf_names(network.config))


def _first(sizes: Any) -> int | None:
    return int(sizes[0]) if sizes else None


def _timm_names(data: Any, network: Any) -> tuple[str, ...]:
    """Names of ImageNet's classes where the network has as many; else those it brings, if any."""
    subset = data.infer_imagenet_subset(network)
    if subset is not None:
        info = data.ImageNetInfo(subset)
        return tuple(info.index_to_description(index) for index in range(info.num_classes()))
    own = network.pretrained_cfg.get("label_names") or ()
    return tuple(own) if len(own) == network.num_classes else ()


def _hf_names(config: Any) -> tuple[str, ...]:
    """Names of the classes, unless they are mere numbers."""
    names = tuple(str(config.id2label[index]) for index in range(config.num_labels))
    return () if names == tuple(f"LABEL_{index}" for index in range(len(names))) else names


def _processed(processor: Any) -> Stated:
    """Find out what a processor does from what it makes of black and white: it scales each channel evenly."""
    plain = [Image.new("RGB", (SIDE, SIDE), color) for color in ("black", "white")]
    shown = np.asarray(processor(images=plain, return_tensors="np")["pixel_values"], dtype=np.float64)
    size = shown.shape[-1]
    black, white = shown[:, :, size // 2, size // 2]
    std = 1 / (white - black)
    return Stated(size, _hf_resize(processor, size), *normalizing(-black * std, std))


def _hf_resize(processor: Any, size: int) -> int:
    """Length of the shorter side before the cut; all of it is seen where photos are squashed to a square."""
    side = _side(processor.size) if getattr(processor, "do_resize", True) else None
    share = getattr(processor, "crop_pct", None)
    if share and side and side < 384:  # as ConvNeXt's does, which crops smaller images only
        side = int(side / share)
    return max(side or size, size)


def _side(size: Any) -> int | None:
    known = size if isinstance(size, Mapping) else vars(size)
    return known.get("shortest_edge") or known.get("height")
