"""FIDO says of each of its maps in a comparison whether it can be trusted."""

import pytest
import torch
from models import Additive
from quick import QUICK
from torch import Tensor, nn

from captum_scd import FIDOAttribution, compare
from captum_scd.comparison import Comparison
from captum_scd.verdict import Verdict

CHEAP = {"metrics": ["total_variation", "sensitivity"]}


def compared(net: nn.Module, images: Tensor) -> Comparison:
    return compare(net, images, 0, {"ours": (FIDOAttribution(net), QUICK), "random": "random"}, **CHEAP)


def test_they_are_those_of_the_masks(net: nn.Module, images: Tensor) -> None:
    rows = compared(net, images).rows
    _, masks = FIDOAttribution(net, infill="blur").attribute(
        images, target=0, seed=0, return_masks=True, **QUICK
    )
    assert all(isinstance(verdict, Verdict) for verdict in rows["ours"].verdicts)
    assert len(rows["ours"].verdicts) == len(masks.verdict) == len(images)
    assert rows["random"].verdicts == ()


def test_steadiness_is_measured_beside_them(net: nn.Module, images: Tensor) -> None:
    row = compared(net, images).rows["ours"]
    assert "sensitivity" in row.values, row.note
    assert row.note == ""


def test_one_is_told_in_full_and_several_are_counted(net: nn.Module, images: Tensor) -> None:
    one, several = compared(net, images[:1]), compared(net, images)
    assert f"- ours: verdict: {one.rows['ours'].verdicts[0]}" in one.to_markdown()
    words = [verdict.word for verdict in several.rows["ours"].verdicts]
    line = next(line for line in several.to_markdown().splitlines() if "verdicts on" in line)
    assert line.startswith(f"- ours: verdicts on {len(images)} images: ")
    assert all(f"{word} {words.count(word)}" in line for word in words)
    assert "verdict" in several._repr_html_()


def test_figures_say_the_word_under_the_map(net: nn.Module, images: Tensor) -> None:
    comparison = compared(net, images)
    word = comparison.rows["ours"].verdicts[0].word
    _, axes = comparison.plot(metric="total_variation")
    captions = [text.get_text() for text in [*axes[0, 1].texts, axes[0, 1].xaxis.label, axes[0, 1].title]]
    assert any(word in caption for caption in captions), captions


def test_json_holds_them(net: nn.Module, images: Tensor) -> None:
    methods = compared(net, images).to_dict()["methods"]
    assert [one["word"] for one in methods["ours"]["verdicts"]]
    assert "verdicts" not in methods["random"]


def test_a_user_may_do_without(images: Tensor) -> None:
    model = Additive().eval()
    methods = {"ours": (FIDOAttribution(model), {**QUICK, "return_masks": False})}
    assert compare(model, images, 0, methods, ["total_variation"]).rows["ours"].verdicts == ()


@pytest.mark.parametrize("returned", [(torch.zeros(3, 1, 12, 10), "delta"), torch.zeros(3, 1, 12, 10)])
def test_other_methods_have_none(images: Tensor, returned: object) -> None:
    rows = compare(Additive().eval(), images, 0, {"it": lambda inputs: returned}, ["total_variation"]).rows
    assert rows["it"].verdicts == ()
