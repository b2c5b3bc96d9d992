"""`explain --engine`: who explains on the way into a store, this process or workers of a Ray cluster."""

import argparse
from collections.abc import Callable
from functools import partial

from torch import nn

from captum_scd.cli.models import absolute, load_model
from captum_scd.cli.one_logit import is_of_one_logit
from captum_scd.dataset.on_ray import explain_on_ray
from captum_scd.dataset.running import Outcome, explain_dataset
from captum_scd.dataset.spreading import Cluster
from captum_scd.models import logits_of
from captum_scd.runs.explaining import Model


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
