"""Which engine the options ask for, and with what; no cluster is started."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from captum_scd._errors import UsageError
from captum_scd.cli.commands.explain import check_engine
from captum_scd.cli.explain_store import engine
from captum_scd.dataset import explain_dataset
from captum_scd.dataset.on_ray import explain_on_ray
from captum_scd.dataset.spreading import Cluster

Run = Callable[..., int]
Save = Callable[..., Path]

PLAIN = {"engine": None, "address": None, "workers": None, "gpus_per_worker": None, "device": "auto"}


def test_without_an_engine_this_process_takes_the_network_itself() -> None:
    network = nn.Identity()
    assert engine(Namespace(**PLAIN, model="net.py:load"), network) == (network, explain_dataset)


@pytest.mark.parametrize("name", ["address", "workers", "gpus_per_worker"])
def test_options_of_ray_go_with_ray_only(name: str) -> None:
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} with --engine ray only"):
        check_engine(Namespace(**{**PLAIN, name: 1}))


def test_ray_gets_a_function_that_loads_the_network_from_wherever_it_runs(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("from torch import nn\n\ndef load():\n    return nn.Flatten()\n")
    asked = {**PLAIN, "engine": "ray", "workers": 3, "gpus_per_worker": 0.5, "address": "auto"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        model, run = engine(Namespace(**asked, model="net.py:load"), nn.Identity())
    assert isinstance(model(), nn.Flatten)
    assert run.func is explain_on_ray
    assert run.keywords == {"cluster": Cluster(3, 0.5, "auto"), "device": None}


def test_options_of_ray_are_refused_for_results_in_files(
    explain: Run, save: Save, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(save("a.png"), "--engine", "ray") == 2
    assert "Expected --engine with --store only" in capsys.readouterr().err
