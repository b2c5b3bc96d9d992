"""From SPEC to network."""

import sys

import pytest
import torch
from torch import nn

from captum_scd._errors import UsageError
from captum_scd.cli.networks.loading import absolute, load_model, probe


@pytest.mark.parametrize("name", ["load", "Net", "instance", "heavier"])
def test_files_give_networks_in_eval_mode(model, name):
    network = load_model(f"{model}:{name}")
    assert isinstance(network, nn.Module)
    assert not any(part.training for part in network.modules())


def test_folder_of_the_file_is_importable_only_meanwhile(tmp_path):
    (tmp_path / "parts_of_mine.py").write_text("from torch import nn\nlayer = nn.Identity()\n")
    (tmp_path / "whole.py").write_text("def load():\n    from parts_of_mine import layer\n    return layer\n")
    path = list(sys.path)
    assert isinstance(load_model(f"{tmp_path / 'whole.py'}:load"), nn.Identity)
    assert sys.path == path
    del sys.modules["parts_of_mine"]


def test_modules_are_found_from_the_current_folder(tmp_path, monkeypatch):
    package = tmp_path / "mine_for_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "nets.py").write_text("from torch import nn\nload = nn.Identity\n")
    monkeypatch.chdir(tmp_path)
    assert isinstance(load_model("mine_for_a_test.nets:load"), nn.Identity)


def test_dataclasses_in_the_file_work(tmp_path):
    code = "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom torch import nn\n"
    code += "@dataclass\nclass Options:\n    width: int = 1\n"
    code += "def load():\n    Options()\n    return nn.Identity()\n"
    (tmp_path / "own.py").write_text(code)
    assert isinstance(load_model(f"{tmp_path / 'own.py'}:load"), nn.Identity)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{model}", "Expected --model to be FILE.py:CALLABLE"),
        ("{model}:", "Expected --model to be FILE.py:CALLABLE"),
        ("{folder}/none.py:load", "there is no file"),
        ("{model}:absent", "there is no such name in it"),
        ("{model}:number", "to be callable, but got int"),
        ("{model}:nothing", "to give a torch.nn.Module, but got dict"),
        ("{model}:breaks", "raised ValueError: no weights anywhere (tiny.py, line"),
        ("{model}:leaves", "raised SystemExit: 3"),
        ("no_such_package.nets:load", "ModuleNotFoundError"),
        ("torch:nn", "to be callable, but got module"),
    ],
)
def test_bad_specs_are_told_in_one_sentence(model, tmp_path, spec, message):
    with pytest.raises(UsageError) as error:
        load_model(spec.format(model=model, folder=tmp_path))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("code", "message"), [("1 +", "SyntaxError"), ("\nraise KeyError('x')", "line 2")])
def test_files_that_do_not_import(tmp_path, code, message):
    (tmp_path / "broken.py").write_text(code)
    with pytest.raises(UsageError, match=message):
        load_model(f"{tmp_path / 'broken.py'}:load")


@pytest.mark.parametrize(
    ("spec", "whole"),
    [
        ("nets.py:load", "{here}/nets.py:load"),
        ("net.pt2", "{here}/net.pt2"),
        ("hf:folder", "hf:{here}/folder"),
        ("hf:not/here", "hf:not/here"),
        ("timm:hf_hub:some/net.pt", "timm:hf_hub:some/net.pt"),
        ("torchvision:resnet18", "torchvision:resnet18"),
        ("package.nets:load", "package.nets:load"),
    ],
)
def test_other_processes_are_told_whole_paths(tmp_path, monkeypatch, spec, whole):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert absolute(spec) == whole.format(here=tmp_path)


class OneAtATime(nn.Module):
    """Gives logits as a network that was traced with one image may."""

    def forward(self, x):
        return x.mean((2, 3)).reshape(1, -1)


class OneOnly(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)).reshape(1, 3)


@pytest.mark.parametrize(("network", "came"), [(OneAtATime(), r"gave \(1, 6\)"), (OneOnly(), "raised")])
def test_a_network_that_takes_one_image_at_a_time_is_told(network, came):
    with pytest.raises(UsageError, match=f"several images at once, but for .* {came}"):
        probe(network, 8, torch.device("cpu"))
