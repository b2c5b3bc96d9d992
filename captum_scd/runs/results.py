"""What is known of one image in numbers and classes: one schema for summaries, stores, tables and pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from captum_scd.masks import FIDOMasks
from captum_scd.runs.classes import Classes
from captum_scd.runs.facts import cut_areas, row_of
from captum_scd.store import Entry
from captum_scd.store.entry import SCHEMA
from captum_scd.verdict import Verdict

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What is known of one image beside its masks, wherever it was kept.

    The page `tutorials/reference/results.md` describes the schema, and how earlier ones differ.

    Attributes:
        target, predicted, probability, areas, label, source, look_alikes: see `store.Entry`; where a folder
            was written, `probability` also has `ssr_soft` and `sdr_soft`, of the masks before they are cut,
            and `infill`, of the target where nothing of the image is shown.
        verdict: whether the map can be trusted, None where nobody has judged.
        contrasted: whether the target was contrasted; old stores do not say with what.

    >>> result = Result(3, 5, {"image": 0.4, "predicted": 0.5, "ssr": 0.4, "sdr": 0.1}, {"ssr": 0.2})
    >>> Result.read(result.record(Classes(9))) == result
    True
    """

    target: int
    predicted: int
    probability: Mapping[str, float]
    areas: Mapping[str, float]
    look_alikes: tuple[int, ...] = ()
    verdict: Verdict | None = None
    contrasted: bool = False
    label: int | None = None
    source: str = ""

    @classmethod
    def of(cls, entry: Entry) -> "Result":
        """Take the numbers of an entry, fresh or out of a store."""
        return cls(
            entry.target,
            entry.predicted,
            entry.probability,
            entry.areas,
            tuple(entry.look_alikes),
            next(iter(entry.masks.verdict), None),
            entry.masks.settings.get("contrast_target") is not None,
            entry.label,
            entry.source,
        )

    @classmethod
    def read(cls, summary: Summary) -> "Result":
        """Read a summary of this schema or an earlier one.

        Raises:
            ValueError: for a later one.
        """
        if summary.get("schema", 1) > SCHEMA:
            raise ValueError(f"Expected a summary of schema {SCHEMA} at most, but got {summary['schema']}.")
        predicted, verdict = summary["predicted"], summary.get("verdict")
        contrast = _listed(summary.get("contrast"))
        return cls(
            summary["target"]["index"],
            predicted["index"],
            {"predicted": predicted["probability"], **summary["probability"]},
            summary["areas"] if "areas" in summary else summary["area"],  # schema 1 has the singular
            tuple(other["index"] for other in contrast),
            None if verdict is None else Verdict.from_dict(verdict),
            bool(contrast),
            source=summary.get("image", ""),
        )

    def record(self, classes: Classes) -> dict[str, Any]:
        """Say all this as a summary does."""
        chance = self.probability["predicted"]
        others = [classes.record(other) for other in self.look_alikes]
        return {
            "schema": SCHEMA,
            "predicted": {**classes.record(self.predicted), "probability": chance},
            "target": classes.record(self.target),
            "contrast": others if self.contrasted else None,
            "probability": dict(self.probability),
            **verdict_told(self.verdict),
            "areas": dict(self.areas),
        }


def further(masks: FIDOMasks) -> dict[str, Any]:
    """Say what is known of further regions as a summary does; nothing where none were looked for."""
    told = [
        {"areas": row_of(cut_areas(one), 0), **verdict_told(next(iter(one.verdict), None))}
        for one in masks.alternatives
    ]
    return {"alternatives": told} if told else {}


def verdict_told(verdict: Verdict | None) -> dict[str, Any]:
    """Say a verdict as a summary does; nothing where nobody has judged."""
    if verdict is None:
        return {}
    return {"verdict": {"line": verdict.line, "trusted": verdict.trusted, **verdict.to_dict()}}


def _listed(contrast: Any) -> Sequence[Mapping[str, Any]]:
    """The classes of a contrast; summaries of 0.2.0 name a single one without a list."""
    return [] if contrast is None else [contrast] if isinstance(contrast, Mapping) else contrast
