"""From SPEC to network."""

import sys
from types import ModuleType
from typing import Any

import pytest
from torch import nn

from captum_scd._errors import UsageError
from captum_scd.cli.models import load_model


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
    package: Any = ModuleType("torchvision")
    package.models = models
    monkeypatch.setitem(sys.modules, "torchvision", package)
    monkeypatch.setitem(sys.modules, "torchvision.models", models)


def test_torchvision_networks_by_name(torchvision):
    assert not load_model("torchvision:tiny").training


def test_unknown_torchvision_network(torchvision):
    with pytest.raises(UsageError, match="raised ValueError: Unknown model huge"):
        load_model("torchvision:huge")


def test_torchvision_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(UsageError, match="Expected torchvision to be installed"):
        load_model("torchvision:tiny")
