"""Groups and classes in words and tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from captum_scd.runs.classes import Classes
from captum_scd.systematic import Answers, ClassLooks, Evidence, Findings, Group
from captum_scd.tables import table


def class_table(classes: Sequence[ClassLooks], names: Classes) -> Iterator[str]:
    """Make a table of true classes, right and wrong images apart; nothing where no label is known."""
    header = ("class", "", "images", "probability", "SSR area", "SDR area", "on the object", "called")
    rows = [
        (
            names.label(one.label) if is_right else "",
            "right" if is_right else "wrong",
            *_cells(answers, names),
        )
        for one in classes
        for is_right, answers in ((True, one.right), (False, one.wrong))
    ]
    if rows:
        yield table(header, rows)


def _cells(answers: Answers, names: Classes) -> list[str]:
    shares = (answers.area("ssr"), answers.area("sdr"), answers.on)
    return [
        str(len(answers)),
        "-" if answers.probability is None else f"{answers.probability:.3f}",
        *("-" if share is None else f"{share:.1%}" for share in shares),
        counted(answers.called, names),
    ]


def counted(classes: Mapping[int, int], names: Classes, most: int = 3) -> str:
    """Name classes with their numbers of images, the most frequent ones.

    >>> counted({1: 4, 0: 2}, Classes(2, ("wren", "finch")))
    'finch 4, wren 2'
    """
    shown = [f"{names.label(label)} {count}" for label, count in [*classes.items()][:most]]
    return ", ".join([*shown, *([f"{len(classes) - most} more"] if len(classes) > most else [])])


def finding_lines(findings: Findings, names: Classes) -> Iterator[str]:
    """Say what is suspicious, or that nothing is, or could be."""
    for group in findings.suspicious:
        for evidence in group.evidence:
            yield f"look twice: {group_words(group, names)}: {evidence_words(evidence)}"
    if not findings.questions:
        yield "there are too few images of a class to test anything"
    elif not findings.suspicious:
        yield f"nothing stands out in {findings.questions} questions"


def group_words(group: Group, names: Classes) -> str:
    """Name a group."""
    name = names.label(group.explained)
    return name if group.number == 0 else f"{name}, group {group.number}"


def evidence_words(evidence: Evidence) -> str:
    """Say what was counted, and how surprising it is."""
    return f"{evidence.words} (p = {evidence.corrected:.1g}, corrected)"


def group_record(group: Group, names: Classes) -> dict[str, Any]:
    """Everything about a group, as JSON can hold it."""
    return {
        "class": names.record(group.explained),
        "group": group.number,
        "images": [case.key for case in group.cases],
        "labels": {names.label(label): count for label, count in group.labels.items()},
        "error_rate": group.error_rate,
        "probability": group.probability,
        "on_object": group.on,
        "elsewhere": group.elsewhere,
        "likeness": group.likeness,
        "centre": group.centre,
        "areas": {name: group.area(name) for name in ("ssr", "sdr", "joint")},
        "evidence": [
            {
                "kind": one.kind,
                "count": one.count,
                "of": one.of,
                "expected": one.expected,
                "p": one.p,
                "p_corrected": one.corrected,
            }
            for one in group.evidence
        ],
    }
