"""The page about systematic errors: groups and classes as contact sheets, with the masks over them."""

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor

from captum_scd.pages.group_words import counted, evidence_words, finding_lines, group_words
from captum_scd.pages.stored import Stored, picture_of
from captum_scd.report import Column, Entry, Map, Report
from captum_scd.report.sheets import MOST, contact_sheet
from captum_scd.runs.classes import Classes
from captum_scd.systematic import Answers, Case, ClassLooks, Findings, Group
from captum_scd.systematic.places import CUT

COLUMNS = (
    Column("wrong", "share that is called by another name than its label", better="lower", percent=True),
    Column(
        "on the object", "share of the joint map, above the cut, on the object", better="higher", percent=True
    ),
    Column(
        "unusual place", "share of it outside the place that holds 90% of other classes' masks", percent=True
    ),
    Column("likeness", "how unlike the images are where masks lie; 1 is any images, lower is more alike"),
    Column("probability", "of the predicted class"),
    Column("SSR area", "share of the image in the SSR", percent=True),
    Column("SDR area", "share of the image in the SDR", percent=True),
)

GUIDE = {
    "Sheet": "first the mean of all masks, stretched to 1, on grey; then single images with their masks: of "
    "groups the most typical ones, of classes the surest answers.",
    "Joint": "the geometric mean of SSR and SDR; bright where a place is both enough and needed.",
    "Group": "images called alike that look alike where their masks are; their place plays no part in it.",
    "Look twice": "a group of which a count would be so high by chance, in all that was asked, in at most 1 "
    "of 100 stores without anything to find. It says where to look, not that anything is wrong.",
    "Not told": "shortcuts on the object itself, or in the same place in every class, or in few images.",
}


def page_report(
    stored: Stored, cases: Sequence[Case], findings: Findings, notes: Sequence[str], line: str
) -> Report:
    """Say what holds for the whole page."""
    return Report(
        title="Where does the network look, right and wrong?",
        about=f"{len(cases):,} images, {len(findings.groups):,} groups, {findings.questions:,} questions; "
        f"store {stored.store.place}",
        columns=COLUMNS,
        guide=GUIDE,
        notes=[*finding_lines(findings, stored.classes), *notes],
        settings={"Run": {"command": line}, **stored.about()},
        cut=CUT,
        unit="sheet",
    )


def page_entries(stored: Stored, findings: Findings, classes: Sequence[ClassLooks]) -> Iterator[Entry]:
    """Yield what is suspicious, then classes right and wrong, then all other groups."""
    suspicious = findings.suspicious
    yield from (_group(stored, group) for group in suspicious)
    for one in classes:
        yield from _class(stored, one)
    yield from (_group(stored, group) for group in findings.groups if not group.evidence)


def _group(stored: Stored, group: Group) -> Entry:
    names = stored.classes
    return _entry(
        stored,
        f"explained as {group_words(group, names)}",
        f"{len(group)} images; labels: {counted(group.labels, names) or 'not known'}",
        group.cases,
        group.look,
        {
            "wrong": group.error_rate,
            "on the object": group.on,
            "unusual place": group.elsewhere,
            "likeness": group.likeness,
            "probability": group.probability,
            "SSR area": group.area("ssr"),
            "SDR area": group.area("sdr"),
        },
        tuple(evidence_words(evidence) for evidence in group.evidence),
    )


def _class(stored: Stored, one: ClassLooks) -> Iterator[Entry]:
    name = stored.classes.label(one.label)
    for words, answers in (("right", one.right), ("wrong", one.wrong)):
        if answers.look is not None:
            yield _entry(
                stored,
                f"{name}, {words}",
                _called(answers, stored.classes),
                answers.cases,
                answers.look,
                {
                    "wrong": float(words == "wrong"),
                    "on the object": answers.on,
                    "probability": answers.probability,
                    "SSR area": answers.area("ssr"),
                    "SDR area": answers.area("sdr"),
                },
            )


def _called(answers: Answers, names: Classes) -> str:
    return f"{len(answers)} images; called {counted(answers.called, names)}"


def _entry(
    stored: Stored,
    name: str,
    label: str,
    cases: Sequence[Case],
    mean: Tensor,
    numbers: Mapping[str, float | None],
    doubts: tuple[str, ...] = (),
) -> Entry:
    picture, marked = _sheet(stored, cases[: MOST - 1], mean)
    known = {title: value for title, value in numbers.items() if value is not None}
    return Entry(
        name=name,
        picture=picture,
        maps=(Map("Joint", marked),),
        numbers=known,
        label=label,
        facts={"shown": ", ".join(case.key for case in cases[: MOST - 1])},
        doubts=doubts,
    )


def _sheet(stored: Stored, cases: Sequence[Case], mean: Tensor) -> tuple[Tensor, Tensor]:
    """Lay out the mean look, and cases with their joint maps."""
    shown = [stored.store.entry(case.key) for case in cases]
    pictures = [None, *(picture_of(stored.view(entry)) for entry in shown)]
    maps = [mean / mean.max().clamp(min=1e-9), *(entry.masks.joint[0, 0] for entry in shown)]
    return contact_sheet(pictures, maps)
