"""`explain --engine`: who explains on the way into a store, this process or workers of a Ray cluster."""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from captum_scd._errors import UsageError
from captum_scd.cli.models import absolute, load_model
from captum_scd.cli.one_logit import is_of_one_logit
from captum_scd.cli.options import number, whole_number
from captum_scd.models import logits_of
from captum_scd.runs.explaining import Model
from captum_scd.runs.on_ray import explain_on_ray
from captum_scd.runs.running import Outcome, explain_dataset
from captum_scd.runs.spreading import Cluster

OF_RAY = ("address", "workers", "gpus_per_worker")
"""Options that go with `--engine ray` only."""


def add_engine(group: Any) -> None:
    """Add who does the work."""
    group.add_argument(
        "--engine",
        choices=("ray",),
        help="ray: workers of a Ray cluster, each with a network of its own (without it: this process alone)",
    )
    group.add_argument(
        "--workers",
        type=whole_number(1),
        metavar="N",
        help="how many; each takes a logical CPU of the cluster (1)",
    )
    group.add_argument(
        "--gpus-per-worker",
        type=number(positive=True),
        metavar="G",
        help="GPUs that each takes, such as 1 or 0.5",
    )
    group.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of a cluster that is there, auto or HOST:PORT, whose machines see images, network and store at "
        "the same paths (without it: one that is started on this machine)",
    )


def engine(options: argparse.Namespace, model: nn.Module) -> tuple[Model, Callable[..., Outcome]]:
    """Choose what explains a data set, and in which form it takes the network.

    Raises:
        UsageError: for options that go with another engine.
    """
    if options.engine is None:
        for name in OF_RAY:
            if getattr(options, name) is not None:
                raise UsageError(f"Expected --{name.replace('_', '-')} with --engine ray only.")
        return model, explain_dataset
    cluster = Cluster(options.workers or 1, options.gpus_per_worker or 0.0, options.address)
    device = None if options.device == "auto" else options.device
    load = partial(_loaded, absolute(options.model), is_of_one_logit(model))
    return load, partial(explain_on_ray, cluster=cluster, device=device)


def _loaded(spec: str, of_one_logit: bool) -> nn.Module:
    """Load the network in a worker, as two classes if it is that here."""
    model = load_model(spec)
    return logits_of(model, output="binary") if of_one_logit and not is_of_one_logit(model) else model
