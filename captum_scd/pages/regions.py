"""What a page shows of one explained image, wherever its result was kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from captum_scd.masks import THRESHOLD, FIDOMasks
from captum_scd.pages.words import doubts, predicted_words
from captum_scd.report import Column, Entry, Map
from captum_scd.runs.classes import Classes
from captum_scd.runs.results import Result
from captum_scd.verdict import WORDS, Verdict

COLUMNS = (
    Column("probability", "of the explained class, for the whole image"),
    Column("keeps", "probability with all but the SSR replaced", of="SSR", better="higher"),
    Column(
        "keeps, relative",
        "the same, relative to the whole image; at most 100%",
        of="SSR",
        better="higher",
        percent=True,
    ),
    Column("area", "share of the image in the SSR", of="SSR", better="lower", percent=True),
    Column("leaves", "probability with the SDR replaced", of="SDR", better="lower"),
    Column(
        "leaves, relative",
        "the same, relative to the whole image; at most 100%",
        of="SDR",
        better="lower",
        percent=True,
    ),
    Column("area", "share of the image in the SDR", of="SDR", better="lower", percent=True),
)

GUIDE = {
    "SSR": "the smallest sufficient region; what it keeps is enough for the class.",
    "SDR": "the smallest destroying region; replacing what it covers is enough to lose the class.",
    "Joint": "the geometric mean of SSR and SDR; bright where a place is both enough and needed.",
    "Colours": "the map over the photo in grey, dark for unimportant and bright for important.",
    "Outline": "the border of the region that reaches the cut; the cut can be moved.",
    "Kept alone": "the region as the network saw it, all else replaced by the infill.",
    "Taken away": "the region replaced by the infill, all else as the network saw it.",
    "Numbers": f"are of the masks cut at {THRESHOLD}, wherever the slider stands.",
    "Not told": "whether the network is right; the maps show what it goes by, over this infill.",
}

VERDICT_COLUMNS = (
    Column("trusted", "whether the verdict is trustworthy", better="higher", percent=True),
    Column("infill", "share of the class that the infill alone has", better="lower", percent=True),
    Column("keeps, other infill", "share of the class under it", of="SSR", better="higher", percent=True),
    Column("agreement", "mean IoU of the regions of several starts", of="SSR", better="higher"),
)
"""Numbers of a verdict that do not stand among the others."""

VERDICT_GUIDE = {
    "Verdict": f"what is to be thought of a map: {', '.join(WORDS)}. Find a word to see these alone."
}

RIGHT = Column("right", "whether the true class is predicted, where it is known", percent=True)
GREY = 0.5


@dataclass(frozen=True, eq=False)
class Shown:
    """One explained image, as it was kept.

    Attributes:
        name: unlike that of any other image of the page.
        result: its numbers and classes.
        masks: of this one image.
        picture: (3, H, W) in [0, 1] what the network saw, None where it is not there any more.
        infill: of the picture's shape, None where it is not known.
        facts, last: further lines of text, before and after the name of the file.
    """

    name: str
    result: Result
    masks: FIDOMasks
    picture: Tensor | None
    infill: Tensor | None
    facts: Mapping[str, str] = field(default_factory=dict)
    last: Mapping[str, str] = field(default_factory=dict)

    def entry(self, classes: Classes) -> Entry:
        """Make what the page takes."""
        result = self.result
        right = {} if result.label is None else {"right": float(result.label == result.predicted)}
        grey = torch.full((1, *self.masks.size), GREY, dtype=torch.float32, device="cpu")
        return Entry(
            name=self.name,
            picture=grey if self.picture is None else self.picture,
            maps=tuple(_maps(self.masks)),
            numbers={
                **_numbers(result.probability, result.areas), **_verdict_numbers(result.verdict), **right
            },
            label=predicted_words(result.predicted, result.target, classes, result.label),
            infill=self.infill,
            facts={
                **_verdict_facts(result.verdict), **_classes(result, classes), **self.facts,
                **({"file": result.source} if result.source else {}), **self.last,
            },
            doubts=tuple(doubts(result)),
        )  # fmt: skip


def columns(judged: bool) -> tuple[Column, ...]:
    """List the numbers of an image; those of verdicts where there are any."""
    return (*COLUMNS, *(VERDICT_COLUMNS if judged else ()))


def guide(judged: bool) -> dict[str, str]:
    """Say how to read the page."""
    return {**GUIDE, **(VERDICT_GUIDE if judged else {})}


def _maps(masks: FIDOMasks) -> Iterable[Map]:
    yield Map("Joint", ("SSR", "SDR"))
    yield Map("SSR", masks.ssr_cells[0, 0].clamp(0, 1))
    yield Map("SDR", masks.sdr_cells[0, 0].clamp(0, 1))
    for count, one in enumerate(masks.alternatives, start=1):
        yield Map(f"Alternative {count}", one.ssr_cells[0, 0].clamp(0, 1))


def _numbers(probability: Mapping[str, float], area: Mapping[str, float]) -> dict[str, float]:
    """All columns that can be had: a store may not know all, and there is no share of a probability of 0."""
    whole, kept, left = (probability.get(name) for name in ("image", "ssr", "sdr"))
    plain = {"probability": whole, "SSR keeps": kept, "SDR leaves": left}
    shares = {"SSR keeps, relative": kept, "SDR leaves, relative": left}
    relative = {name: min(1.0, one / whole) for name, one in shares.items() if whole and one is not None}
    told = {**plain, **relative, "SSR area": area.get("ssr"), "SDR area": area.get("sdr")}
    return {name: value for name, value in told.items() if value is not None}


def _classes(result: Result, classes: Classes) -> dict[str, str]:
    label, chance = classes.label, result.probability.get("predicted")
    return {
        "predicted": label(result.predicted) + ("" if chance is None else f", {chance:.3f}"),
        "explained": label(result.target),
        **({"and not": classes.labels(result.look_alikes)} if result.look_alikes else {}),
        **({} if result.label is None else {"true class": label(result.label)}),
    }


def _verdict_numbers(verdict: Verdict | None) -> Mapping[str, float]:
    """Return what stands in the columns of the page."""
    if verdict is None:
        return {}
    shares = (float(verdict.trusted), verdict.infill_alone, verdict.second_infill, verdict.agreement)
    return dict(zip((column.title for column in VERDICT_COLUMNS), shares, strict=True))


def _verdict_facts(verdict: Verdict | None) -> dict[str, str]:
    """Return a line for the page; what speaks for a map that is to be trusted stands in it, too."""
    if verdict is None:
        return {}
    return {"verdict": f"{verdict.line}: {verdict.why}" if verdict.trusted else verdict.line}
