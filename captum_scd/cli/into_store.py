"""`explain --store`: images below folders, as many as there are, into one store of masks."""

import argparse
from pathlib import Path

from captum_scd._errors import INTERRUPTED, UsageError
from captum_scd.cli.arguments import prepared
from captum_scd.cli.engines import engine
from captum_scd.cli.images import Images
from captum_scd.photos import PhotoInput
from captum_scd.runs.question import Question
from captum_scd.runs.running import Outcome
from captum_scd.runs.telling import complain

BATCH = 8
"""Images that are explained at a time unless it is said."""

FAILURES_SHOWN = 40

WITH_OUT, WITH_STORE = ("report", "overwrite", "alternatives"), ("labels", "batch", "engine")
"""Options that go with one of the two places only."""


def check_place(options: argparse.Namespace) -> None:
    """Refuse options that have no meaning for the place that is given.

    Raises:
        UsageError: for the first of them.
    """
    place, other = ("store", "out") if options.store is not None else ("out", "store")
    for name in WITH_OUT if place == "store" else WITH_STORE:
        if getattr(options, name):
            raise UsageError(f"Expected --{name} with --{other} only, but got it with --{place}.")


def into_store(options: argparse.Namespace, question: Question) -> int:
    """Explain all images into `--store`; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    images = _images(options, question)
    if next(iter(images), None) is None:
        places = ", ".join(repr(str(argument)) for argument in options.images)
        raise UsageError(f"Expected at least one image, but found none in {places}.")
    explaining = question.explaining
    try:
        model, run = engine(options, question.subject.model)
        outcome = run(
            model,
            images,
            options.store,
            batch_size=options.batch or BATCH,
            classes=question.subject.classes.names,
            preparation=prepared(question.subject),
            method=explaining.method,
            **explaining.settings,
        )
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt:
        complain("interrupted: the store is whole; run the same command again to continue")
        return INTERRUPTED
    for note in question.subject.normalization.noted():
        print(note)
    return _told(outcome, options.store)


def _images(options: argparse.Namespace, question: Question) -> Images:
    reading = PhotoInput(Path(), question.subject.prepare, question.subject.normalization)
    labels = question.subject.classes if options.labels else None
    return Images(options.images, reading, question.target, labels)


def _told(outcome: Outcome, store: str) -> int:
    for key, why in list(outcome.failed.items())[:FAILURES_SHOWN]:
        complain(f"not explained: {key}: {why}")
    hidden = len(outcome.failed) - FAILURES_SHOWN
    if hidden > 0:
        complain(f"... and {hidden} more; the store's `failures` has all")
    if outcome.replaced:
        print(f"{outcome.replaced} explained again: their photos have changed since")
    print(
        f"{outcome.done} explained, {outcome.skipped} done before, {len(outcome.failed)} failed; "
        f"masks in {store}"
    )
    return 1 if outcome.failed else 0
