"""`explain --store`: images below folders, as many as there are, into one store of masks."""

import argparse
from collections.abc import Callable
from functools import partial

from torch import nn

from captum_scd._errors import INTERRUPTED, UsageError, complain
from captum_scd.cli.commands.explain import BATCH
from captum_scd.cli.networks.loading import absolute, load_model
from captum_scd.cli.networks.one_logit import is_of_one_logit
from captum_scd.cli.question import load_question
from captum_scd.cli.read_options import prepared
from captum_scd.dataset.images import Images
from captum_scd.dataset.on_ray import explain_on_ray
from captum_scd.dataset.running import Outcome, explain_dataset
from captum_scd.dataset.spreading import Cluster
from captum_scd.models import logits_of
from captum_scd.photos.preparing import PhotoInput
from captum_scd.runs.explaining import Model
from captum_scd.runs.question import Question

FAILURES_SHOWN = 40


def run(options: argparse.Namespace) -> int:
    """Explain all images into `--store`; return the exit code.

    Raises:
        UsageError: if the command cannot be carried out.
    """
    asking = load_question(options)
    subject, explaining, images = asking.subject, asking.explaining, _images(options, asking)
    next(iter(images), None)  # raises where its folder is to name a class, and does not
    try:
        model, explain = engine(options, subject.model)
        outcome = explain(
            model,
            images,
            options.store,
            batch_size=options.batch or BATCH,
            classes=subject.classes.names,
            preparation=prepared(subject),
            method=explaining.method,
            **explaining.settings,
        )
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt:
        complain("interrupted: the store is whole; run the same command again to continue")
        return INTERRUPTED
    for note in subject.normalization.noted():
        print(note)
    return _told(outcome, options.store)


def _images(options: argparse.Namespace, asking: Question) -> Images:
    subject = asking.subject
    reading = partial(PhotoInput, prepare=subject.prepare, normalize=subject.normalization)
    labels = subject.classes if options.labels else None
    return Images(options.images, reading, asking.target, labels)


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


def engine(options: argparse.Namespace, model: nn.Module) -> tuple[Model, Callable[..., Outcome]]:
    """Choose what explains a data set, and in which form it takes the network."""
    if options.engine is None:
        return model, explain_dataset
    cluster = Cluster(options.workers or 1, options.gpus_per_worker or 0.0, options.address)
    device = None if options.device == "auto" else options.device
    load = partial(_loaded, absolute(options.model), is_of_one_logit(model))
    return load, partial(explain_on_ray, cluster=cluster, device=device)


def _loaded(spec: str, of_one_logit: bool) -> nn.Module:
    """Load the network in a worker, as two classes if it is that here."""
    model = load_model(spec)
    return logits_of(model, output="binary") if of_one_logit and not is_of_one_logit(model) else model
