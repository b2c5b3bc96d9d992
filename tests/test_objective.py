"""Scores against their textbook formulas in float64."""

import math

import pytest
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from captum_scd.objective import SCORES, contrast, log_odds, log_prob, logit, prob

OUTPUT = torch.randn(6, 5, generator=Generator().manual_seed(0), dtype=torch.float64) * 3
TARGET = torch.tensor([[0], [1], [2], [3], [4], [-1]])
ONE_A_CLASS = [pytest.param(score, id=name) for name, score in SCORES.items() if name != "contrast"]


def _picked(values: Tensor, target: Tensor = TARGET) -> Tensor:
    return values.gather(1, target.remainder(5)).squeeze(1)


def test_log_odds_is_log_p_minus_log_of_one_minus_p() -> None:
    p = _picked(OUTPUT.softmax(1))
    torch.testing.assert_close(log_odds(OUTPUT, TARGET), p.log() - (1 - p).log(), rtol=0, atol=1e-10)


def test_log_odds_leaves_the_class_out_even_where_its_probability_rounds_to_one() -> None:
    output = torch.tensor([[200.0, 1.0, 0.0], [-200.0, 1.0, 0.0]], dtype=torch.float64)
    rest = torch.tensor([1.0, 0.0], dtype=torch.float64).logsumexp(0)
    assert output.softmax(1)[0, 0] == 1
    torch.testing.assert_close(
        log_odds(output, torch.zeros(2, 1).long()), output[:, 0] - rest, rtol=0, atol=0
    )


def test_log_prob_and_prob_are_those_of_the_softmax() -> None:
    torch.testing.assert_close(log_prob(OUTPUT, TARGET), _picked(OUTPUT.log_softmax(1)))
    torch.testing.assert_close(prob(OUTPUT, TARGET), _picked(OUTPUT.softmax(1)))


def test_logit_is_the_output_itself() -> None:
    assert torch.equal(logit(OUTPUT, TARGET), _picked(OUTPUT))


def test_contrast_with_one_is_the_difference_of_two_logits_to_the_last_digit() -> None:
    other = (TARGET + 2) % 5
    for output in (OUTPUT, OUTPUT.float(), 1e4 * OUTPUT):
        expected = _picked(output) - _picked(output, other)
        assert torch.equal(contrast(output, TARGET, other[:, None]), expected)
        uncounted = torch.stack([other, (TARGET + 1) % 5], dim=1)
        assert torch.equal(contrast(output, TARGET, uncounted, torch.tensor([[True, False]])), expected)


def test_contrast_with_several_is_the_log_odds_where_these_are_all_there_is() -> None:
    steps = torch.arange(1, 5)
    others = [(TARGET + step) % 5 for step in steps]
    every = torch.stack(others, dim=1)
    torch.testing.assert_close(contrast(OUTPUT, TARGET, every), log_odds(OUTPUT, TARGET))
    p = OUTPUT.softmax(1)
    odds = _picked(p) / (_picked(p, others[0]) + _picked(p, others[2]))
    torch.testing.assert_close(contrast(OUTPUT, TARGET, every[:, [0, 2]]), odds.log())
    named = torch.tensor([[True, False, True, False]]).expand(6, -1)
    torch.testing.assert_close(contrast(OUTPUT, TARGET, every, named), odds.log())


def test_a_look_alike_weighs_in_the_gradient_what_its_probability_is_among_them() -> None:
    output = OUTPUT.clone().requires_grad_()
    target, others = torch.zeros(6, 1).long(), torch.tensor([[[2], [4], [1]]]).expand(6, -1, -1)
    named = torch.tensor([[True, True, False]]).expand(6, -1)
    (gradient,) = torch.autograd.grad(contrast(output, target, others, named).sum(), output)
    expected = torch.zeros_like(OUTPUT)
    expected[:, 0] = 1
    expected[:, [2, 4]] = -OUTPUT[:, [2, 4]].softmax(1)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("score", ONE_A_CLASS)
def test_tuple_targets_pick_further_dimensions(score) -> None:
    output = torch.randn(3, 5, 2, 4, generator=Generator().manual_seed(1), dtype=torch.float64)
    target = torch.tensor([[0, 1, 3], [4, 0, 2], [2, 1, 0]])
    expected = [
        score(output[i : i + 1, :, b, c], target[i : i + 1, :1]) for i, (_, b, c) in enumerate(target)
    ]
    torch.testing.assert_close(score(output, target), torch.cat(expected))


@pytest.mark.parametrize("score", ONE_A_CLASS)
def test_the_classes_of_a_sequence_are_compared_within_the_targets_step(score) -> None:
    output = torch.randn(3, 4, 5, generator=Generator().manual_seed(1), dtype=torch.float64)
    target = torch.tensor([[3, 0], [0, -1], [-2, 2]])
    expected = [score(output[i : i + 1, step], target[i : i + 1, 1:]) for i, (step, _) in enumerate(target)]
    torch.testing.assert_close(score(output, target), torch.cat(expected))


@pytest.mark.parametrize("score", ONE_A_CLASS)
@pytest.mark.parametrize("rows", [1, 6])
def test_rows_are_scored_one_by_one(score, rows: int) -> None:
    one_by_one = torch.cat([score(OUTPUT[i : i + 1], TARGET[i : i + 1]) for i in range(rows)])
    torch.testing.assert_close(score(OUTPUT[:rows], TARGET[:rows]), one_by_one)


@pytest.mark.parametrize("score", ONE_A_CLASS)
def test_one_number_per_row_needs_no_target(score) -> None:
    logits = torch.linspace(-3, 3, 4)
    torch.testing.assert_close(score(logits, None), score(logits[:, None], torch.zeros(4, 1).long()))


@pytest.mark.parametrize(
    ("score", "expected"),
    [(log_odds, lambda a: a), (log_prob, F.logsigmoid), (prob, torch.sigmoid), (logit, lambda a: a)],
)
@pytest.mark.parametrize("target", [None, torch.zeros(4, 1).long()], ids=["no target", "class 0"])
def test_one_logit_a_row_is_its_own_log_odds(score, expected, target: Tensor | None) -> None:
    logits = torch.linspace(-3, 3, 4)
    output = logits if target is None else logits[:, None]
    torch.testing.assert_close(score(output, target), expected(logits))


@pytest.mark.parametrize("score", ONE_A_CLASS)
def test_scores_pass_gradcheck(score) -> None:
    assert torch.autograd.gradcheck(lambda output: score(output, TARGET), OUTPUT.clone().requires_grad_())


@pytest.mark.parametrize("score", ONE_A_CLASS)
def test_scores_and_their_gradients_stay_finite_for_sure_classes(score) -> None:
    output = torch.tensor([[300.0, 0.0, 0.0], [-300.0, 0.0, 0.0]], requires_grad=True)
    scores = score(output, torch.zeros(2, 1).long())
    assert scores.isfinite().all()
    assert torch.autograd.grad(scores.sum(), output)[0].isfinite().all()


def test_scores_go_by_name() -> None:
    assert SCORES.resolve("log_odds").function is log_odds
    assert SCORES["contrast"].function is contrast
    assert [score.name for score in SCORES.values()] == list(SCORES)


def test_a_known_function_is_its_score_and_another_goes_down_the_loss_as_it_is() -> None:
    assert SCORES.resolve(log_odds) is SCORES["log_odds"]
    own = SCORES.resolve(_picked)
    values = OUTPUT[:, 0]
    assert (own.function, own.name, own.amount) == (_picked, "_picked", None)
    assert torch.equal(own.keep(values), -values)
    assert torch.equal(own.destroy(values), values)
    assert SCORES.resolve(own) is own


@pytest.mark.parametrize("name", ["log_odds", "contrast"])
def test_log_odds_have_nothing_more_to_gain_once_the_class_is_kept_or_lost(name: str) -> None:
    values = torch.tensor([-30.0, 0.0, 30.0], dtype=torch.float64)
    chance = torch.sigmoid(values)
    torch.testing.assert_close(SCORES[name].keep(values).exp(), 1 / chance)
    torch.testing.assert_close(SCORES[name].destroy(values).exp(), 1 / torch.sigmoid(-values))


@pytest.mark.parametrize("name", ["log_odds", "log_prob", "prob"])
def test_the_amount_of_a_class_is_its_probability_on_any_scale_that_has_one(name: str) -> None:
    score = SCORES[name]
    assert score.amount is not None
    torch.testing.assert_close(score.amount(score(OUTPUT, TARGET)), _picked(OUTPUT.softmax(1)))
    assert SCORES["logit"].amount is None


def test_the_amount_of_a_contrast_is_how_much_likelier_the_class_is_than_its_look_alikes() -> None:
    amount = SCORES["contrast"].amount
    assert amount is not None
    expected = torch.tensor([0.0, 0.0, 0.8 - 0.2, 1.0])
    torch.testing.assert_close(amount(torch.tensor([-2.0, 0.0, math.log(4), 40.0])), expected)
