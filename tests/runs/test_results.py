"""One schema of results, and reading earlier ones."""

import dataclasses

import pytest
from fences import ROOT

from captum_scd.runs.classes import Classes
from captum_scd.runs.results import Result
from captum_scd.store.entry import SCHEMA
from captum_scd.verdict import judged

CLASSES = Classes(3, ("wren", "finch", "crane"))
CHANCES = {"image": 0.4, "predicted": 0.5, "ssr": 0.3, "sdr": 0.1}
SOFT = ("ssr_soft", "sdr_soft", "infill")
AREAS = {"ssr": 0.2, "sdr": 0.1, "joint": 0.1}
VERDICT = judged(0.75, 0.2, 0.0, 0.8, 0.9, depends=True)
RESULT = Result(0, 1, CHANCES, AREAS, (1, 2), VERDICT, contrasted=True)


@pytest.mark.parametrize("result", [RESULT, Result(2, 2, CHANCES, AREAS)])
def test_what_is_recorded_is_read_back(result):
    assert Result.read(result.record(CLASSES)) == result


def test_a_record_names_classes():
    record = RESULT.record(CLASSES)
    assert record["target"] == {"index": 0, "name": "wren"}
    assert record["predicted"] == {"index": 1, "name": "finch", "probability": 0.5}
    assert record["contrast"] == [{"index": 1, "name": "finch"}, {"index": 2, "name": "crane"}]
    assert record["schema"] == SCHEMA


def test_an_image_is_known_by_its_path():
    assert Result.read({**RESULT.record(CLASSES), "image": "a.png"}).source == "a.png"


def first_schema(**changes):
    """What 0.2.0 and 0.3.0 wrote."""
    record = RESULT.record(CLASSES)
    del record["schema"]
    chances = {name: record["probability"][name] for name in ("image", "ssr", "sdr")}
    return {**record, "area": record.pop("areas"), "probability": chances, **changes}


def test_summaries_of_0_3_0_are_read():
    assert Result.read(first_schema()) == RESULT


def test_summaries_of_0_2_0_are_read():
    old = first_schema(contrast={"index": 2, "name": "crane"})
    del old["verdict"]
    assert Result.read(old) == dataclasses.replace(RESULT, look_alikes=(2,), verdict=None)


def test_summaries_of_a_later_schema_are_refused():
    with pytest.raises(ValueError, match="of schema 2 at most, but got 3"):
        Result.read({**RESULT.record(CLASSES), "schema": 3})


def test_the_schema_is_documented():
    page = (ROOT / "tutorials" / "reference" / "results.md").read_text("utf-8")
    told = {*RESULT.record(CLASSES), *RESULT.record(CLASSES)["probability"], *SOFT}
    assert {name for name in told if f"`{name}`" not in page} == set()
    assert f"This is schema {SCHEMA};" in page
