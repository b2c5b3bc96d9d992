"""Verdicts: which word for which numbers, and what is kept of them."""

import dataclasses
import json
import math

import pytest

from captum_scd.verdict import (
    AGREEMENT,
    INFILL_ALONE,
    KEEPS,
    LEAVES,
    SECOND_INFILL,
    WORDS,
    Verdict,
    judged,
)

NAN = float("nan")
GOOD = {
    "ssr_keeps": 0.97,
    "sdr_leaves": 0.03,
    "infill_alone": 0.01,
    "agreement": 0.8,
    "second_infill": 0.9,
    "depends": True,
}


def _judged(**others) -> Verdict:
    return judged(**{**GOOD, **others})


@pytest.mark.parametrize(
    ("others", "word", "line"),
    [
        ({}, "trustworthy", "trustworthy"),
        ({"depends": False}, "nothing found", "nothing found: the class does not depend on any region"),
        (
            {"led": False},
            "nothing found",
            "nothing found: other classes are as likely, so there is no lead to explain",
        ),
        ({"infill_alone": 0.5}, "infill", "the infill itself keeps the class: try another"),
        ({"infill_alone": 0.5, "spare": "mean"}, "infill", "the infill itself keeps the class: try 'mean'"),
        ({"ssr_keeps": 0.2}, "failed", "failed: the region keeps 20 %"),
        ({"sdr_leaves": 0.6}, "failed", "failed: what is outside the destroying region keeps 60 %"),
        ({"agreement": 0.39}, "unstable", "unstable: other starts show another region"),
        ({"second_infill": 0.3}, "doubtful", "doubtful: under another infill the region keeps 30 %"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_word_has_its_reason(others, word: str, line: str) -> None:
    verdict = _judged(**others)
    assert (verdict.word, verdict.line) == (word, line)
    assert str(verdict) == line
    assert verdict.word in WORDS


def test_what_may_be_left_depends_on_the_score() -> None:
    assert _judged(sdr_leaves=0.4).word == "failed"
    assert _judged(sdr_leaves=0.4, most_left=0.5).trusted
    assert _judged(sdr_leaves=0.6, most_left=0.5).word == "failed"


def test_only_one_word_is_trusted() -> None:
    assert _judged().trusted
    bad = [{"depends": False}, {"infill_alone": 1.0}, {"ssr_keeps": 0.0}, {"agreement": 0.0}]
    assert not any(_judged(**others).trusted for others in bad)


def test_why_a_map_is_trusted_stands_in_numbers() -> None:
    assert _judged().why == "the region keeps 97 %, the rest 3 %"


def test_what_makes_the_rest_pointless_comes_first() -> None:
    steps = [
        {"second_infill": 0.0},
        {"agreement": 0.0},
        {"sdr_leaves": 1.0},
        {"ssr_keeps": 0.0},
        {"infill_alone": 1.0},
        {"depends": False},
    ]
    worse, lines = {}, []
    for step in steps:
        worse |= step
        lines.append(_judged(**worse).line)
    assert [line.split(":")[0] for line in lines] == [
        "doubtful", "unstable", "failed", "failed", "the infill itself keeps the class", "nothing found",
    ]  # fmt: skip
    assert lines[2] != lines[3] == "failed: the region keeps 0 %"


@pytest.mark.parametrize(
    ("name", "limit", "worse"),
    [
        ("ssr_keeps", KEEPS, -1e-3),
        ("sdr_leaves", LEAVES, 1e-3),
        ("agreement", AGREEMENT, -1e-3),
        ("second_infill", SECOND_INFILL, -1e-3),
    ],
)
def test_a_limit_itself_is_good_enough(name: str, limit: float, worse: float) -> None:
    assert _judged(**{name: limit}).trusted
    assert not _judged(**{name: limit + worse}).trusted


def test_an_infill_that_has_half_of_the_class_has_too_much() -> None:
    assert _judged(infill_alone=INFILL_ALONE).word == "infill"
    assert _judged(infill_alone=INFILL_ALONE - 1e-3).trusted


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"ssr_keeps": 0.7999}, "keeps 79 %"),
        ({"sdr_leaves": 0.2001}, "keeps 21 %"),
        ({"second_infill": 0.4999}, "keeps 49 %"),
        ({"ssr_keeps": 0.29}, "keeps 29 %"),
        ({"sdr_leaves": 0.57}, "keeps 57 %"),
    ],
)
def test_a_number_that_fails_does_not_read_as_one_that_passes(others, told: str) -> None:
    assert _judged(**others).line.endswith(told)


@pytest.mark.parametrize("name", ["infill_alone", "agreement", "second_infill"])
def test_what_was_not_measured_says_nothing_against_a_map(name: str) -> None:
    assert _judged(**{name: NAN}).trusted


@pytest.mark.parametrize("name", ["ssr_keeps", "sdr_leaves"])
def test_no_map_is_trusted_whose_regions_were_not_measured(name: str) -> None:
    verdict = _judged(**{name: NAN})
    assert verdict.line == "failed: what the regions do could not be measured"


def test_the_numbers_are_kept_as_they_were() -> None:
    verdict = _judged(ssr_keeps=1.07)
    numbers = {name: getattr(verdict, name) for name in GOOD if name != "depends"}
    assert numbers == {name: value for name, value in GOOD.items() if name != "depends"} | {"ssr_keeps": 1.07}


def test_a_verdict_goes_through_json_and_back() -> None:
    verdict = _judged(agreement=NAN, second_infill=0.3)
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    back = Verdict.from_dict(json.loads(text))
    assert math.isnan(back.agreement)
    assert dataclasses.replace(back, agreement=0.0) == dataclasses.replace(verdict, agreement=0.0)


def test_fields_of_later_versions_are_left_out() -> None:
    verdict = _judged()
    assert Verdict.from_dict({**verdict.to_dict(), "weather": "fine"}) == verdict


@pytest.mark.parametrize("broken", [{"ssr_keeps": "much"}, {"ssr_keeps": []}])
def test_other_than_numbers_is_an_error(broken) -> None:
    with pytest.raises((TypeError, ValueError)):
        Verdict.from_dict({**_judged().to_dict(), **broken})


def test_a_missing_field_is_an_error() -> None:
    fields = _judged().to_dict()
    del fields["word"]
    with pytest.raises(KeyError):
        Verdict.from_dict(fields)
