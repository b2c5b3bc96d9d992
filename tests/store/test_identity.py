import torch
from torch import nn

from captum_scd.store.identity import differences, fingerprint


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


def test_equal_identities_do_not_differ() -> None:
    identity = {"settings": {"seed": 0, "mask_size": None}, "classes": ["a"]}
    assert list(differences(identity, identity)) == []


def test_what_only_one_has_is_a_difference() -> None:
    assert list(differences({"a": 1}, {})) == ["a is 1 there and null here"]
    assert list(differences({}, {"b": {"c": 1}})) == ['b is null there and {"c": 1} here']


def test_long_values_are_cut() -> None:
    (told,) = differences({"classes": ["crane"] * 50}, {"classes": []})
    assert len(told) < 80
