"""`captum-scd errors`: where a network looks when it is right and when it is wrong, over a whole store."""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from torch import Tensor

from captum_scd._errors import UsageError, one_line, written
from captum_scd._writing import put_text
from captum_scd.cli.networks.loading import load_model
from captum_scd.cli.object_regions import Objects, read_objects
from captum_scd.cli.option_types import check_writable
from captum_scd.cli.read_options import chosen_device
from captum_scd.comparison.layers import NotApplicableError
from captum_scd.pages.group_words import class_table, finding_lines, group_record
from captum_scd.pages.groups import page_entries, page_report
from captum_scd.pages.stored import Stored, entries, picture_of
from captum_scd.pages.writing import check_page, write
from captum_scd.store import Entry
from captum_scd.systematic import Case, Embedding, Findings, appearance, by_class, find, look, share_on

Describe = Callable[[Tensor, Tensor], Tensor]
PAGE, RECORD = "errors.html", "errors.json"


def run(options: argparse.Namespace) -> int:
    """Find what there is to find, and write it down; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    stored = Stored.open(options.store, options.photos)
    describe = appearance if options.model is None else _embedding(options, stored)
    reader = CaseReader(stored, read_objects(options.boxes, options.regions), describe)
    check_writable(options.out)
    check_page(options.out / PAGE)
    cases = list(reader.cases())
    findings = _found(cases, options.seed)
    classes = by_class(cases)
    report = page_report(stored, cases, findings, reader.notes(cases), options.line)
    page = write(options.out / PAGE, report, page_entries(stored, findings, classes))
    _write_record(options.out / RECORD, stored, cases, findings)
    for line in (
        *class_table(classes, stored.classes),
        *finding_lines(findings, stored.classes),
        *reader.notes(cases),
    ):
        print(line)
    print(f"{len(cases)} images; page in {page}")
    return 0


class CaseReader:
    """From a store's entries to cases.

    Args:
        stored: the store.
        objects: where objects are, if that is known.
        describe: makes features (D,) of what a joint mask (H, W) keeps of a picture (3, H, W).
    """

    def __init__(self, stored: Stored, objects: Objects | None, describe: "Describe") -> None:
        self.stored, self.objects, self.describe = stored, objects, describe

    def cases(self) -> Iterator[Case]:
        """Read the store, one image after the other."""
        for entry in entries(self.stored, len(self.stored.store), "errors"):
            yield self._case(entry)

    def notes(self, cases: Sequence[Case]) -> list[str]:
        """Say what is not known."""
        total = len(cases)
        missing = {
            "have no label": sum(case.label is None for case in cases),
            "could not be grouped, as their photos are not read again": sum(
                case.features is None for case in cases
            ),
            "have no object": sum(case.on is None for case in cases) if self.objects else 0,
        }
        told = [f"{count} of {total} images {words}." for words, count in missing.items() if count]
        return [*told, *self.stored.notes()]

    def _case(self, entry: Entry) -> Case:
        joint, view = entry.masks.joint[0, 0], self.stored.view(entry)
        picture = picture_of(view)
        region = None
        if self.objects is not None:
            region = self.objects.region(entry, view, self.stored.preparation is not None)
        return Case(
            entry.key,
            look(joint),
            entry.target,
            entry.predicted,
            entry.label,
            entry.probability.get("predicted"),
            entry.areas,
            None if region is None else share_on(joint, region),
            None if picture is None else self.describe(picture, joint),
        )


def _embedding(options: argparse.Namespace, stored: Stored) -> Describe:
    """Describe by the network's own features; what is returned raises `UsageError` if it has none."""
    normalization = stored.normalization
    if normalization is None:
        raise UsageError(
            "Expected a store that knows how its images were normalised for --model, but this one does not."
        )
    device = chosen_device(options.device)
    embedding = Embedding(load_model(options.model).to(device))

    def embedded(picture: Tensor, joint: Tensor) -> Tensor:
        inputs = normalization(picture[None].to(device))
        try:
            return embedding(inputs, joint[None, None].to(device))[0]
        except (NotApplicableError, RuntimeError) as error:
            raise UsageError(
                f"Expected a --model with features to group by, but {one_line(error)}; without --model, "
                "images are grouped by colour and texture."
            ) from error

    return embedded


def _found(cases: Sequence[Case], seed: int) -> Findings:
    try:
        return find(cases, seed)
    except ModuleNotFoundError as error:
        raise UsageError(str(error)) from error


def _write_record(path: Path, stored: Stored, cases: Sequence[Case], findings: Findings) -> None:
    record = {
        "format": "captum_scd errors 1",
        "store": stored.store.place,
        "images": len(cases),
        "questions": findings.questions,
        "alpha": findings.alpha,
        "groups": [group_record(group, stored.classes) for group in findings.groups],
    }
    with written(path):
        put_text(path, json.dumps(record, indent=2, allow_nan=False))
