"""Scores of rows, bound to targets and look-alikes, against the logits written out."""

import json
from functools import partial
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from captum_scd.composites import whole_outputs
from captum_scd.forward import make_query
from captum_scd.objective import SCORES, Score, log_odds, prob
from captum_scd.scoring import Scoring, make_scoring, used

INPUTS = torch.randn(3, 7, generator=Generator().manual_seed(0), dtype=torch.float64)
MATRIX = torch.randn(5, 7, generator=Generator().manual_seed(1), dtype=torch.float64)
TARGET = [0, 3, 1]
EXAMPLES = torch.tensor([2, 0, 0, 1])
ROWS = torch.randn(4, 5, generator=Generator().manual_seed(2), dtype=torch.float64)


def _linear(x: Tensor) -> Tensor:
    return x @ MATRIX.T


def _bound(contrast_target: Any = None, score: Any = "log_odds") -> Scoring:
    query = make_query(_linear, (INPUTS,), TARGET)
    return make_scoring(score, query, contrast_target, partial(whole_outputs, query, (INPUTS,), 2))


def test_a_score_follows_the_example_of_each_row() -> None:
    assert torch.equal(_bound()(ROWS, EXAMPLES), log_odds(ROWS, torch.tensor(TARGET)[EXAMPLES][:, None]))


@pytest.mark.parametrize("asked", [[2, 4, 4], [[2], [4], [4]], torch.tensor([[2], [4], [4]])], ids=str)
def test_one_look_alike_is_a_difference_of_logits(asked) -> None:
    expected = ROWS[range(4), [1, 0, 0, 3]] - ROWS[range(4), [4, 2, 2, 4]]
    assert torch.equal(_bound(asked)(ROWS, EXAMPLES), expected)


def test_several_look_alikes_count_by_their_probability() -> None:
    odds = ROWS.exp()
    expected = torch.stack([
        odds[0, 1] / odds[0, 4],
        odds[1, 0] / (odds[1, 2] + odds[1, 3]),
        odds[2, 0] / (odds[2, 2] + odds[2, 3]),
        odds[3, 3] / (odds[3, 0] + odds[3, 1] + odds[3, 2]),
    ])  # fmt: skip
    torch.testing.assert_close(_bound([[2, 3], [0, 1, 2], [4]])(ROWS, EXAMPLES), expected.log())


def test_the_nearest_are_chosen_on_the_whole_input_and_stay() -> None:
    ranked = [[k for k in row if k != t][:3] for row, t in zip(_ranking(), TARGET, strict=True)]
    bound = _bound("nearest")
    assert bound.record()["contrast_target"] == ranked
    torch.testing.assert_close(bound(ROWS, EXAMPLES), _bound(ranked)(ROWS, EXAMPLES), rtol=0, atol=0)


def _ranking() -> list[list[int]]:
    logits = (INPUTS @ MATRIX.T).tolist()
    return [sorted(range(5), key=row.__getitem__, reverse=True) for row in logits]


def test_a_score_is_found_by_its_name_and_by_itself_and_look_alikes_are_a_contrast() -> None:
    assert _bound().score is SCORES["log_odds"]
    assert _bound(4).score is _bound(4, "contrast").score is SCORES["contrast"]
    own = Score(prob, amount=torch.exp)
    assert _bound(score=own).score is own


@pytest.mark.parametrize(
    ("asked", "score", "record"),
    [
        (None, "prob", {"score": "prob", "target": TARGET, "contrast_target": None}),
        (None, log_odds, {"score": "log_odds", "target": TARGET, "contrast_target": None}),
        (-1, "log_odds", {"score": "contrast", "target": TARGET, "contrast_target": [[4], [4], [4]]}),
        ([[2, 3], [4], [0]], "contrast", {"score": "contrast", "target": TARGET,
                                          "contrast_target": [[2, 3], [4], [0]]}),
    ],
)  # fmt: skip
def test_the_record_says_what_was_used(asked, score, record) -> None:
    assert json.loads(json.dumps(_bound(asked, score).record())) == record


def test_the_record_of_a_model_with_one_logit_has_no_target() -> None:
    query = make_query(nn.Flatten(0), (torch.zeros(2, 1),), None)
    assert make_scoring("log_odds", query, None, list).record()["target"] == [None, None]


@pytest.mark.parametrize("score", ["prob", "log_prob", "logit", prob, log_odds])
@pytest.mark.parametrize("asked", [4, [[4], [4], [4]], "nearest"], ids=str)
def test_a_contrast_beside_a_score_that_was_chosen_is_refused(asked, score) -> None:
    with pytest.raises(
        ValueError, match=r"Expected no `contrast_target` beside score '(log_)?(prob|logit|odds)'"
    ):
        _bound(asked, score)


def test_the_score_contrast_needs_a_look_alike() -> None:
    with pytest.raises(ValueError, match="Expected a `contrast_target` for score 'contrast', but got None"):
        _bound(score="contrast")
    assert used("contrast", 0) is SCORES["contrast"]


def test_the_model_is_asked_about_whole_inputs_only_for_a_contrast() -> None:
    query = make_query(_linear, (INPUTS,), TARGET)
    make_scoring("log_odds", query, None, lambda work: pytest.fail("asked"))
