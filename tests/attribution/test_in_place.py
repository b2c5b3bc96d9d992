"""Networks that normalise their input in place answer as others do, and change nothing of the user's."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from models import TinyConv
from quick import QUICK, explain
from torch import Tensor, nn

from captum_scd import MaskGuidedClassifier, MaskStore, SaliencyGuidedDropout, explain_dataset, metrics
from captum_scd.cli.networks.loading import probe
from captum_scd.comparison import compare
from captum_scd.systematic.embedding import Embedding


class Normalizing(nn.Module):
    """A network behind its own preprocessing, which changes the images and what divides them, or not."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.in_place, self.network = in_place, TinyConv()

    def forward(self, x: Tensor, spread: Tensor | None = None) -> Tensor:
        spread = torch.tensor([0.1]) if spread is None else spread
        if self.in_place:
            return self.network(x.sub_(0.4).div_(spread.add_(0.1)))
        return self.network((x - 0.4) / (spread + 0.1))


def _classify(model: nn.Module, images: Tensor, _: Any) -> Tensor:
    return MaskGuidedClassifier(model, settings=QUICK)(images.requires_grad_()).detach()


def _train(model: nn.Module, images: Tensor, _: Any) -> Tensor:
    model = SaliencyGuidedDropout(model.eval(), "network.body", rate=0.3).train()
    return model(images.clone(), target=1).detach()


def _store(model: nn.Module, images: Tensor, folder: Any) -> Tensor:
    place = folder / f"{model.in_place}.zarr"
    explain_dataset(model, [("a", images[0])], place, show_progress=False, **QUICK)
    entry = MaskStore.open(place).entry("a")
    return torch.cat([entry.masks.joint.flatten(), torch.tensor([*entry.probability.values()])])


def _compare(model: nn.Module, images: Tensor, _: Any) -> Tensor:
    methods = ["saliency", "integrated_gradients", "gradcam", "occlusion"]
    rows = compare(model, images, target=1, methods=methods).rows
    return torch.cat([rows[name].map.flatten() for name in methods])


def _measure(model: nn.Module, images: Tensor, _: Any) -> Tensor:
    spread = torch.tensor([0.1])
    curves = metrics.insertion_deletion(
        model, images, images.mean(1, keepdim=True), target=1, additional_forward_args=spread
    )
    assert spread.item() == pytest.approx(0.1)
    return torch.stack([curves.insertion, curves.deletion])


USES: dict[str, Callable[..., Tensor]] = {
    "attribute": lambda model, images, _: explain(model, images, additional_forward_args=torch.tensor([0.1])),
    "classify": _classify,
    "train": _train,
    "store": _store,
    "compare": _compare,
    "measure": _measure,
    "describe": lambda model, images, _: Embedding(model)(images, torch.ones(3, 1, 12, 10)),
}


@pytest.mark.parametrize("use", USES)
def test_a_network_may_change_its_input_in_place(use: str, images: Tensor, tmp_path) -> None:
    given = images.clone()
    answers = [USES[use](Normalizing(in_place).eval(), given, tmp_path) for in_place in (True, False)]
    torch.testing.assert_close(*answers)
    assert torch.equal(given, images)


def test_the_command_line_takes_a_network_that_changes_its_input_in_place() -> None:
    assert probe(Normalizing(in_place=True).eval(), 16, torch.device("cpu")) == 5


def test_an_infill_may_change_its_input_in_place(net: nn.Module, images: Tensor) -> None:
    infills = (lambda x: x.mul_(0.5), lambda x: x * 0.5)
    first, second = (explain(net, images, strategies={"infill": infill}) for infill in infills)
    assert torch.equal(first, second)
