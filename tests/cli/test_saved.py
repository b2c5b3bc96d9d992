"""Networks out of files of torch; what is none is told what to write."""

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from captum_scd._errors import UsageError
from captum_scd.cli import main
from captum_scd.cli.networks.loading import load
from captum_scd.passes import counted
from captum_scd.provenance import fingerprint


def network(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        parts = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()
        return nn.Sequential(*parts, nn.Dropout(0.5), nn.Linear(16, 3)).eval()


IMAGES = torch.linspace(-1, 1, 2 * 3 * 12 * 12).view(2, 3, 12, 12)


def exported(path: Path, model: nn.Module, fixed: bool = False) -> Path:
    shapes = None if fixed else ({0: torch.export.Dim("rows")},)
    given = IMAGES[:1] if fixed else IMAGES
    torch.export.save(torch.export.export(model, (given,), dynamic_shapes=shapes), path)
    return path


def scripted(path: Path, model: nn.Module) -> Path:
    torch.jit.script(model).save(str(path))
    return path


def frozen(path: Path, model: nn.Module) -> Path:
    torch.jit.freeze(torch.jit.script(model)).save(str(path))
    return path


def saved(path: Path, held: object) -> Path:
    torch.save(held, path)
    return path


@pytest.mark.parametrize(
    ("save", "name"), [(scripted, "n.pt"), (frozen, "n.torchscript"), (exported, "n.pt2")]
)
def test_networks_that_were_saved_whole_answer_as_they_did(tmp_path, save, name):
    net, said = load(str(save(tmp_path / name, network())))
    torch.testing.assert_close(net(IMAGES), network()(IMAGES))
    assert not any(part.training for part in net.modules())
    net.train().eval()
    assert said.size == (12 if save is exported else None)


def test_other_constants_are_another_network(tmp_path):
    one, other = (load(str(frozen(tmp_path / f"{seed}.pt", network(seed))))[0] for seed in (0, 1))
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(("save", "name"), [(scripted, "n.pt"), (exported, "n.pt2")])
def test_commands_take_them(tmp_path, save, name, out, capsys):
    photo = tmp_path / "photo.png"
    Image.new("RGB", (14, 12), "red").save(photo)
    spec = ["--model", str(save(tmp_path / name, network())), "--size", "12"]
    methods = ["--methods", "saliency,gradcam,fido", "--metrics", "total_variation"]
    assert main(["explain", str(photo), *spec, "--iterations", "1", "--out", str(out)]) == 0
    assert main(["compare", str(photo), *spec, *methods, "--iterations", "1", "--out", str(out)]) == 0
    assert main(["classify", str(photo), *spec, "--iterations", "1", "--out", f"{out}.csv"]) == 0
    assert "failed:" not in capsys.readouterr().out


@pytest.mark.parametrize("call", ["torch.jit.load('n.pt')", "torch.export.load('n.pt2').module()"])
def test_a_file_of_ones_own_may_load_them(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    scripted(tmp_path / "n.pt", network())
    exported(tmp_path / "n.pt2", network())
    (tmp_path / "own.py").write_text(f"import torch\ndef load():\n    return {call}\n")
    loaded = load("own.py:load")[0]
    with counted(loaded) as passes:
        loaded.eval()(IMAGES)
    assert passes.total == 2
    assert not loaded.training


def test_a_program_for_one_image_says_how_to_export_it(tmp_path):
    with pytest.raises(UsageError, match=r"fixed batch size of 1; export it again with .*dynamic_shapes"):
        load(str(exported(tmp_path / "n.pt2", network(), fixed=True)))


@pytest.mark.parametrize("trained", [1, 5], ids=["batch norm", "dropout"])
def test_a_program_in_training_mode_is_refused(tmp_path, trained):
    model = network()
    model[trained].train()
    with pytest.raises(UsageError, match="exported in training mode"):
        load(str(exported(tmp_path / "n.pt2", model)))


@pytest.mark.parametrize("wrap", [dict, lambda state: {"epoch": 3, "weights": state}], ids=["bare", "within"])
def test_the_lines_for_a_state_dict_make_the_network_of_it(tmp_path, wrap):
    path = saved(tmp_path / "state.pth", wrap(network().state_dict()))
    with pytest.raises(UsageError, match="weights alone") as error:
        load(str(path))
    code = str(error.value).partition("\n\n")[2]
    names: dict[str, Any] = {"build": lambda: network(seed=1)}
    exec(code, names)
    torch.testing.assert_close(names["load"]()(IMAGES), network()(IMAGES))


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("legacy", [False, True])
def test_pickled_objects_are_refused_unread(tmp_path, legacy):
    path, sprung = tmp_path / "whole.pt", tmp_path / "sprung"
    torch.save({"model": Trap(sprung)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(UsageError, match=r"could run any code(.|\n)*load_state_dict"):
        load(str(path))
    assert not sprung.exists()


def with_member(path: Path, name: str, content: bytes) -> Path:
    """Put other content into an archive, or more of it."""
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    folder = next(iter(members)).partition("/")[0]
    with zipfile.ZipFile(path, "w") as archive:
        for one, held in {**members, f"{folder}/{name}": content}.items():
            archive.writestr(one, held)
    return path


@pytest.mark.parametrize("name", ["data/sample_inputs/model.pt", "data/constants/opaque_obj_0"])
def test_a_program_cannot_run_code_either(tmp_path, name):
    sprung, content = tmp_path / "sprung", io.BytesIO()
    torch.save(Trap(sprung), content)
    path = with_member(exported(tmp_path / "n.pt2", network()), name, content.getvalue())
    before = dict(os.environ)
    with pytest.raises(UsageError, match="Expected"):
        load(str(path))
    assert not sprung.exists()
    assert dict(os.environ) == before


@pytest.mark.parametrize("name", ["n.pt", "n.pt2"])
def test_what_is_no_file_of_torch_is_told_in_a_sentence(tmp_path, name):
    with pytest.raises(UsageError, match="no file"):
        load(str(tmp_path / name))
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UsageError, match="a file that torch wrote"):
        load(str(tmp_path / name))
    (tmp_path / name).write_bytes(b"PK\x05\x06" + bytes(18))
    with pytest.raises(UsageError, match="Expected"):
        load(str(tmp_path / name))
