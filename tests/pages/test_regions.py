"""What a page shows of an explained image, from a folder and from a store alike."""

import dataclasses

import pytest
import torch

from captum_scd.masks import FIDOMasks
from captum_scd.pages.regions import GREY, Shown, columns, guide
from captum_scd.runs.classes import Classes
from captum_scd.runs.results import Result
from captum_scd.verdict import judged

CLASSES = Classes(3, ("wren", "finch", "crane"))
CELLS = torch.rand(1, 1, 4, 4)
MASKS = FIDOMasks(CELLS, 1 - CELLS, (8, 8))
RESULT = Result(0, 0, {"image": 0.4, "predicted": 0.4, "ssr": 0.3, "sdr": 0.1}, {"ssr": 0.2, "sdr": 0.1})


def entry(masks=MASKS, picture=None, infill=None, facts=(), last=(), **changes):
    result = dataclasses.replace(RESULT, **changes)
    return Shown("a", result, masks, picture, infill, dict(facts), dict(last)).entry(CLASSES)


def test_numbers_are_those_of_the_result():
    assert entry().numbers == {
        "probability": 0.4,
        "SSR keeps": 0.3,
        "SSR keeps, relative": pytest.approx(0.75),
        "SSR area": 0.2,
        "SDR leaves": 0.1,
        "SDR leaves, relative": pytest.approx(0.25),
        "SDR area": 0.1,
    }
    assert set(entry().numbers) == {column.title for column in columns(judged=False)}


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "wren"),
        ({"predicted": 1}, "finch (explained: wren)"),
        ({"label": 0}, "wren"),
        ({"predicted": 1, "label": 2}, "finch (explained: wren, true: crane)"),
    ],
)
def test_classes_are_named_where_they_differ(changes, label):
    assert entry(**changes).label == label


def test_whether_it_is_right_is_said_where_it_is_known():
    assert "right" not in entry().numbers
    assert (entry(label=0).numbers["right"], entry(label=2).numbers["right"]) == (1, 0)
    assert entry(label=2).facts["true class"] == "crane"


def test_facts_stand_in_one_order():
    told = entry(facts={"photo": "8 x 8"}, last={"cost": "1 s"}, look_alikes=(1, 2), source="a.png").facts
    assert list(told.items()) == [
        ("predicted", "wren, 0.400"), ("explained", "wren"), ("and not", "finch or crane"),
        ("photo", "8 x 8"), ("file", "a.png"), ("cost", "1 s"),
    ]  # fmt: skip


def test_masks_without_their_photo_are_shown_on_grey():
    assert entry().picture.unique().tolist() == [GREY]
    picture = torch.rand(3, 8, 8)
    assert entry(picture=picture).picture is picture


def test_further_regions_have_maps_of_their_own():
    further = dataclasses.replace(MASKS, alternatives=(MASKS, MASKS))
    names = [one.name for one in entry(masks=further).maps]
    assert names == ["Joint", "SSR", "SDR", "Alternative 1", "Alternative 2"]


def test_a_verdict_has_columns_a_line_and_a_doubt():
    verdict = judged(0.1, 0.03, 0.01, 0.8, 0.9, depends=True)
    shown = entry(verdict=verdict)
    assert set(shown.numbers) == {column.title for column in columns(judged=True)}
    assert [*shown.doubts] == [shown.facts["verdict"]] == [verdict.line]
    assert {*guide(judged=True)} - {*guide(judged=False)} == {"Verdict"}
