"""Fingerprints of networks, and versions."""

import platform

import torch
from torch import nn

import captum_scd
from captum_scd.provenance import fingerprint, versions


def test_fingerprint_follows_parameters_and_buffers() -> None:
    network = nn.BatchNorm1d(2)
    first = fingerprint(network)
    assert fingerprint(nn.BatchNorm1d(2)) == first
    network.running_mean += 1
    second = fingerprint(network)
    with torch.no_grad():
        network.weight += 1
    assert len({first, second, fingerprint(network)}) == 3


def test_fingerprint_of_half_precision_and_of_nothing() -> None:
    assert fingerprint(nn.Linear(2, 2).bfloat16()) != fingerprint(nn.Identity())


def test_versions_are_those_of_what_runs() -> None:
    told = versions()
    assert (told["captum_scd"], told["torch"]) == (captum_scd.__version__, torch.__version__)
    assert told["python"] == platform.python_version()
