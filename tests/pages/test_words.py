"""Questions, answers and doubts in words."""

import dataclasses

from captum_scd.pages.words import counted_doubts, doubts, question_words, title_words
from captum_scd.runs.classes import Classes
from captum_scd.runs.results import Result
from captum_scd.verdict import Verdict, judged


def result(image: float, ssr: float, sdr: float, infill: float = 0.01) -> Result:
    return Result(0, 0, {"image": image, "ssr": ssr, "sdr": sdr, "infill": infill}, {})


def test_masks_that_do_not_work_are_noted():
    fine, weak, alive = result(0.8, 0.5, 0.1), result(0.8, 0.3, 0.1), result(0.2, 0.2, 0.15)
    assert counted_doubts([fine]) == []
    notes = "".join(counted_doubts([fine, weak, alive, result(0.8, 0.8, 0.3, infill=0.5)]))
    assert "in 1 of 4 the SSR keeps less than half" in notes
    assert "in 1 of 4 the SDR leaves more than half" in notes
    assert "in 1 of 4 the infill alone keeps more than half" in notes
    assert counted_doubts([dataclasses.replace(weak, contrasted=True)]) == []


def verdict(infill_alone: float = 0.01, spare: str = "") -> Verdict:
    return judged(0.97, 0.03, infill_alone, 0.8, 0.9, depends=True, spare=spare)


def test_a_verdict_takes_the_place_of_other_doubts():
    weak = result(0.8, 0.1, 0.1, 0.0)
    bad = dataclasses.replace(weak, contrasted=True, verdict=verdict(infill_alone=0.7))
    assert list(doubts(dataclasses.replace(weak, verdict=verdict()))) == []
    assert list(doubts(bad)) == ["the infill itself keeps the class: try another"]
    assert counted_doubts([weak, bad, bad]) == [
        "in 2 of 3 the infill itself keeps the class: try another",
        "in 1 of 3 the SSR keeps less than half of the probability",
    ]


def test_an_infill_that_all_should_try_is_named():
    mean, any_other = (
        dataclasses.replace(result(0.8, 0.1, 0.1, 0.0), verdict=verdict(0.7, spare)) for spare in ("mean", "")
    )
    assert counted_doubts([mean, mean]) == ["in 2 of 2 the infill itself keeps the class: try 'mean'"]
    assert counted_doubts([mean, any_other]) == ["in 2 of 2 the infill itself keeps the class: try another"]


CLASSES = Classes(3, ("wren", "finch", "crane"))


def test_a_question_names_target_contrast_and_another_prediction():
    assert question_words(0, (), 0, 0.9, CLASSES) == "Why wren?"
    assert question_words(0, (1, 2), 0, 0.9, CLASSES) == "Why wren and not finch or crane?"
    assert question_words(0, (), 1, 0.456, CLASSES) == "Why wren?   (predicted: finch, 0.46)"


def test_a_title_is_of_all_images():
    assert title_words(None, None, CLASSES) == "Which pixels decide?"
    assert title_words(0, "nearest", CLASSES) == "Why wren, and not for its nearest classes?"
    assert title_words(None, 2, CLASSES) == "Which pixels decide, and not for crane?"
