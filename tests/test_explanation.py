"""One explanation from start to end, on networks whose right answer is known."""

import math

import pytest
import torch
from models import PlantedPatch
from quick import explain
from torch import Tensor, nn

from captum_scd import FIDOAttribution, FIDOMasks, explanation
from captum_scd.attribution import FAST
from captum_scd.explanation import CANDIDATES
from captum_scd.learning import BLENDS
from captum_scd.passes import counted
from captum_scd.verdict import LEAVES, LEAVES_OF_SPAN, Verdict, judged

BRIGHT = torch.full((1, 1, 12, 12), 0.9)
LONG = {"n_iterations": 24, "mask_size": 12, "strategies": {"infill": "constant"}, "return_masks": True}


class Constant(nn.Module):
    """Answers alike whatever it sees; gradients reach its input, and are zero."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tensor([2.0, 0.0]) + 0 * x.flatten(1).sum(1, keepdim=True)


class DeadReLUs(nn.Module):
    """Nothing passes its first layer."""

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(-x.abs().flatten(1) - 1)
        return torch.cat([hidden.sum(1, keepdim=True) + 1, 0 * hidden[:, :1]], dim=1)


class TwoPatches(nn.Module):
    """Sees two corners, and either of them is enough for class 0."""

    CORNERS = ((slice(0, 4), slice(0, 4)), (slice(8, 12), slice(8, 12)))

    def forward(self, x: Tensor) -> Tensor:
        first, second = (x[(..., *corner)].flatten(1).mean(1) for corner in self.CORNERS)
        return torch.stack([12 * torch.maximum(first, 0.9 * second) - 5, torch.zeros_like(first)], dim=1)


@pytest.mark.parametrize("model", [Constant(), DeadReLUs()], ids=["constant", "dead ReLUs"])
@pytest.mark.parametrize("seed", [0, 1])
def test_where_nothing_depends_on_the_input_the_map_is_zero_and_says_so(model: nn.Module, seed: int) -> None:
    attribution, masks = explain(model.eval(), BRIGHT, seed=seed, **LONG)
    assert attribution.eq(0).all()
    assert masks.ssr.eq(0).all()
    assert masks.sdr.eq(0).all()
    assert masks.agreement.eq(0).all()
    assert masks.verdict[0].word == "nothing found"
    assert not masks.verdict[0].trusted


def test_an_example_that_depends_on_nothing_does_not_touch_its_neighbours() -> None:
    images = torch.cat([BRIGHT, 0 * BRIGHT])
    together, masks = explain(PlantedPatch().eval(), images, **LONG)
    assert together[1].eq(0).all()
    assert [one.word for one in masks.verdict] == ["trustworthy", "nothing found"]
    torch.testing.assert_close(together[:1], explain(PlantedPatch().eval(), BRIGHT, **LONG)[0])


def test_the_verdict_holds_what_the_cut_regions_do() -> None:
    model = PlantedPatch().eval()
    _, masks = explain(model, BRIGHT, **LONG)
    verdict = masks.verdict[0]

    def probability(keep: Tensor) -> float:
        return model(BRIGHT * keep).softmax(1)[0, 0].item() / model(BRIGHT).softmax(1)[0, 0].item()

    assert verdict.ssr_keeps == pytest.approx(probability(masks.ssr >= 0.5), abs=1e-5)
    assert verdict.sdr_leaves == pytest.approx(probability(masks.sdr < 0.5), abs=1e-5)
    assert verdict.infill_alone == pytest.approx(probability(torch.zeros(1)), abs=1e-5)
    assert verdict.ssr_keeps > 0.9
    assert verdict.sdr_leaves < 0.2
    assert verdict.trusted


def test_an_infill_that_keeps_the_class_is_told() -> None:
    _, masks = explain(
        PlantedPatch().eval(), BRIGHT, **{**LONG, "strategies": {"infill": lambda x: 0.95 * x}}
    )
    assert masks.verdict[0].word == "infill"
    assert masks.verdict[0].infill_alone > 0.9
    assert masks.verdict[0].line.endswith("try another")


@pytest.mark.parametrize("further", [(), ("mean",), ("mean", "shuffle")], ids=len)
def test_where_another_infill_does_not_keep_it_that_one_is_told(further: tuple[str, ...]) -> None:
    def paler(x: Tensor) -> Tensor:
        return 0.95 * x

    spotted = BRIGHT * PlantedPatch.region(12, 12)
    strategies = {"infill": (paler, *further)}
    _, masks = explain(PlantedPatch().eval(), spotted, **{**LONG, "strategies": strategies})
    assert masks.verdict[0].line == "the infill itself keeps the class: try 'mean'"
    _, masks = explain(PlantedPatch().eval(), BRIGHT, **{**LONG, "strategies": {"infill": ("mean", paler)}})
    assert masks.verdict[0].line == "the infill itself keeps the class: try another"


def test_the_second_infill_is_the_second_that_is_learned_with_or_another() -> None:
    spotted = BRIGHT * PlantedPatch.region(12, 12) * 1.0
    model = PlantedPatch().eval()
    several, alone = (
        explain(model, spotted, **{**LONG, "strategies": {"infill": infill}})[1]
        for infill in (("constant", "mean"), "constant")
    )
    for masks in (several, alone):
        keep = (masks.ssr >= 0.5).float()
        shown = keep * spotted + (1 - keep) * spotted.mean()
        expected = model(shown).softmax(1)[0, 0] / model(spotted).softmax(1)[0, 0]
        assert masks.verdict[0].second_infill == pytest.approx(expected.item(), abs=1e-5)


def test_one_start_has_nothing_to_agree_with() -> None:
    _, masks = explain(PlantedPatch().eval(), BRIGHT, **LONG, n_restarts=1)
    assert masks.agreement is None
    assert math.isnan(masks.verdict[0].agreement)


@pytest.mark.parametrize("n_restarts", [2, 3])
def test_agreement_is_the_share_of_the_starts_that_hold_a_pixel(n_restarts: int) -> None:
    _, masks = explain(PlantedPatch().eval(), BRIGHT, **LONG, n_restarts=n_restarts)
    assert masks.agreement.shape == BRIGHT.shape
    shares = masks.agreement_cells.unique()
    assert set((shares * n_restarts).round().int().tolist()) <= set(range(n_restarts + 1))
    torch.testing.assert_close(shares * n_restarts, (shares * n_restarts).round())
    assert masks.agreement[PlantedPatch.region(12, 12)].mean() > 0.9
    assert masks.verdict[0].agreement > 0.5


def test_alternatives_are_further_regions_that_suffice() -> None:
    _, masks = explain(TwoPatches().eval(), BRIGHT, **LONG, alternatives=1)
    (other,) = masks.alternatives
    first, second = (
        torch.stack([(found.ssr[(0, 0, *corner)] >= 0.5).float().mean() for corner in TwoPatches.CORNERS])
        for found in (masks, other)
    )
    assert first.argmax() != second.argmax()
    assert first.max() > 0.6
    assert second.max() > 0.6
    assert second.min() < 0.1
    assert other.verdict[0].ssr_keeps > 0.8
    assert not ((masks.ssr >= 0.5) & (other.ssr >= 0.5)).any()


def test_a_further_region_that_does_not_suffice_is_not_called_good() -> None:
    _, masks = explain(PlantedPatch().eval(), BRIGHT, **LONG, alternatives=1)
    assert masks.verdict[0].trusted
    assert not masks.alternatives[0].verdict[0].trusted


def test_alternatives_do_not_change_what_is_found_first() -> None:
    plain, further = (explain(TwoPatches().eval(), BRIGHT, **LONG, alternatives=n)[0] for n in (0, 2))
    assert torch.equal(plain, further)


def test_alternatives_survive_a_file_and_follow_their_example(tmp_path) -> None:
    _, masks = explain(TwoPatches().eval(), torch.cat([BRIGHT, 0.8 * BRIGHT]), **LONG, alternatives=1)
    masks.save(tmp_path / "masks.npz")
    loaded = FIDOMasks.load(tmp_path / "masks.npz")
    assert torch.equal(loaded.alternatives[0].ssr_cells, masks.alternatives[0].ssr_cells)
    assert loaded.alternatives[0].verdict == masks.alternatives[0].verdict
    assert torch.equal(masks[1].alternatives[0].joint, masks.alternatives[0].joint[1:])
    assert masks[1].settings["winner"] == masks.settings["winner"][1:]


def test_the_winner_names_blend_and_candidate() -> None:
    _, masks = explain(PlantedPatch().eval(), BRIGHT, **LONG)
    (winner,) = masks.settings["winner"]
    blend, candidate = winner.split()
    assert blend in BLENDS
    assert candidate in CANDIDATES


def test_without_refining_the_winner_is_the_survey() -> None:
    _, masks = explain(PlantedPatch().eval(), BRIGHT, **LONG, learning_rate=0.0)
    assert masks.settings["winner"][0].endswith(" survey")


@pytest.mark.parametrize(("clear", "asked"), [(math.inf, ["survey"]), (-math.inf, CANDIDATES)])
def test_only_examples_with_rounds_can_win_by_them(
    monkeypatch: pytest.MonkeyPatch, clear: float, asked: list[str]
) -> None:
    monkeypatch.setattr("captum_scd.explanation.CLEAR", clear)
    monkeypatch.setattr("captum_scd.explanation.best", lambda trials, *others: 0 * trials.examples)
    _, masks = explain(PlantedPatch().eval(), BRIGHT, **LONG)
    assert masks.settings["winner"][0].split()[1] == asked[0]


def test_the_map_is_the_same_to_a_thousandth_whatever_the_rows_in_a_pass(net: nn.Module) -> None:
    images = torch.randn(3, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    whole, one_row, five_rows = (
        explain(net, images, n_iterations=24, mask_size=12, internal_batch_size=cap) for cap in (None, 1, 5)
    )
    alone = torch.cat([explain(net, one[None], n_iterations=24, mask_size=12) for one in images])
    for other in (one_row, five_rows, alone):
        torch.testing.assert_close(other, whole, rtol=0, atol=1e-3)


def test_the_fast_settings_cost_less_than_a_third_of_the_defaults(net: nn.Module) -> None:
    images = torch.randn(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    costs = []
    for settings in (FAST, {}):
        with counted(net) as passes:
            FIDOAttribution(net).attribute(images, target=0, **settings)
        costs.append(passes.forward + 3 * passes.backward)
    assert costs[0] <= 150
    assert 3 * costs[0] < costs[1] <= 600


@pytest.mark.parametrize(
    ("score", "most"), [("log_odds", LEAVES), ("prob", LEAVES), ("logit", LEAVES_OF_SPAN)]
)
def test_half_may_be_left_of_a_score_that_has_no_amount(monkeypatch, score: str, most: float) -> None:
    asked = []

    def noting(*measured) -> Verdict:
        *_, most_left, _spare = measured
        asked.append(most_left)
        return judged(*measured)

    monkeypatch.setattr(explanation, "judged", noting)
    explain(PlantedPatch().eval(), BRIGHT, strategies={"score": score}, return_masks=True)
    assert asked == pytest.approx([most])
