"""Networks by name: what torchvision, timm and transformers say of them arrives."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from captum_scd._errors import UsageError
from captum_scd.cli.networks.loading import load, load_model
from captum_scd.cli.networks.stated import Stated


@pytest.fixture
def torchvision(monkeypatch) -> None:
    """A stand-in that knows one network."""

    def get_model(name: str, weights: str) -> nn.Module:
        assert weights == "DEFAULT"
        if name != "tiny":
            raise ValueError(f"Unknown model {name}")
        return nn.Identity().train()

    models: Any = ModuleType("torchvision.models")
    models.get_model = get_model
    models.get_model_weights = lambda name: SimpleNamespace(
        DEFAULT=SimpleNamespace(
            transforms=lambda: SimpleNamespace(
                crop_size=[20], resize_size=[24], mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)
            ),
            meta={"categories": ["wren", "crane"]},
        )
    )
    package: Any = ModuleType("torchvision")
    package.models = models
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)


def test_torchvision_networks_by_name(torchvision):
    net, said = load("torchvision:tiny")
    assert not net.training
    assert said == Stated(20, 24, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), ("wren", "crane"))


def test_unknown_torchvision_network(torchvision):
    with pytest.raises(UsageError, match="raised ValueError: Unknown model huge"):
        load_model("torchvision:huge")


def test_torchvision_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(UsageError, match="Expected torchvision to be installed"):
        load_model("torchvision:tiny")


class Trained(nn.Identity):
    """As timm's networks, with what it was trained on."""

    num_classes = 2

    def __init__(self, **others: Any) -> None:
        super().__init__()
        numbers = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}
        self.pretrained_cfg = {"input_size": (3, 20, 20), "crop_pct": 0.8, **numbers, **others}


def stand_in_for_timm(monkeypatch, network: nn.Module, subset: str | None) -> None:
    def create_model(name: str, pretrained: bool) -> nn.Module:
        assert pretrained
        if name != "tiny":
            raise RuntimeError(f"Unknown model ({name})")
        return network

    info = SimpleNamespace(num_classes=lambda: 2, index_to_description=["wren", "crane"].__getitem__)
    timm: Any = ModuleType("timm")
    data: Any = ModuleType("timm.data")
    timm.create_model, timm.data = create_model, data
    data.infer_imagenet_subset = lambda network: subset
    data.ImageNetInfo = lambda subset: info
    monkeypatch.setitem(sys.modules, "timm", timm)
    monkeypatch.setitem(sys.modules, "timm.data", data)


NUMBERS = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


@pytest.mark.parametrize(
    ("others", "subset", "inputs"),
    [
        ({}, "imagenet-1k", Stated(20, 25, *NUMBERS, ("wren", "crane"))),
        ({"crop_mode": "squash"}, None, Stated(20, 20, *NUMBERS)),
        ({"label_names": ["finch", "robin"]}, None, Stated(20, 25, *NUMBERS, ("finch", "robin"))),
        ({"label_names": ["of", "other", "classes"]}, None, Stated(20, 25, *NUMBERS)),
    ],
)
def test_timm_networks_by_name(monkeypatch, others, subset, inputs):
    stand_in_for_timm(monkeypatch, Trained(**others), subset)
    net, said = load("timm:tiny")
    assert not net.training
    assert said == inputs


def test_unknown_timm_network(monkeypatch):
    stand_in_for_timm(monkeypatch, Trained(), None)
    with pytest.raises(UsageError, match="raised RuntimeError: Unknown model"):
        load("timm:hf_hub:someone/huge")


@pytest.mark.parametrize(("spec", "extra"), [("timm:tiny", "timm"), ("hf:tiny", "hf")])
def test_what_is_not_installed_names_its_extra(monkeypatch, spec, extra):
    for name in ("timm", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=rf"captum-scd\[{extra}\]"):
        load(spec)


@pytest.fixture
def vit(tmp_path):
    """A folder with a tiny network of transformers; its image processor is to be written by the test."""
    transformers = pytest.importorskip("transformers")
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = transformers.ViTConfig(**shape, image_size=32, patch_size=8, num_labels=2)
    config.id2label = {0: "wren", 1: "crane"}
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path / "vit")
    return tmp_path / "vit"


def written(folder, kind: str, **options: Any) -> Stated:
    """Write an image processor beside the network, and load both."""
    processor = getattr(pytest.importorskip("transformers"), kind)
    processor(image_mean=[0.1, 0.2, 0.3], image_std=[0.4, 0.5, 0.6], **options).save_pretrained(folder)
    return load(f"hf:{folder}")[1]


def test_networks_of_transformers_give_logits_and_names(vit):
    net, said = load(f"hf:{vit}")
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 2)
    assert not any(part.training for part in net.modules())
    assert said == Stated(names=("wren", "crane"))


@pytest.mark.parametrize(
    ("kind", "options", "size", "resize"),
    [
        ("ViTImageProcessor", {"size": {"height": 32, "width": 32}}, 32, 32),
        (
            "CLIPImageProcessor",
            {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}},
            32,
            40,
        ),
        ("ConvNextImageProcessor", {"size": {"shortest_edge": 32}, "crop_pct": 0.8}, 32, 40),
    ],
)
def test_image_processors_say_size_and_scale(vit, kind, options, size, resize):
    inputs = written(vit, kind, **options)
    assert (inputs.size, inputs.resize) == (size, resize)
    assert inputs.mean == pytest.approx((0.1, 0.2, 0.3), abs=1e-6)
    assert inputs.std == pytest.approx((0.4, 0.5, 0.6), abs=1e-6)


def test_pixels_that_are_scaled_otherwise_are_scaled_so(vit):
    inputs = written(vit, "ViTImageProcessor", size={"height": 32, "width": 32}, rescale_factor=1 / 127.5)
    assert inputs.mean == pytest.approx((0.05, 0.1, 0.15), abs=1e-6)
    assert inputs.std == pytest.approx((0.2, 0.25, 0.3), abs=1e-6)
