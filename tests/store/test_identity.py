"""Identities of stores, and where they differ."""

from captum_scd.store.identity import differences


def test_equal_identities_do_not_differ() -> None:
    identity = {"settings": {"seed": 0, "mask_size": None}, "classes": ["a"]}
    assert list(differences(identity, identity)) == []


def test_what_only_one_has_is_a_difference() -> None:
    assert list(differences({"a": 1}, {})) == ["a is 1 there and null here"]
    assert list(differences({}, {"b": {"c": 1}})) == ['b is null there and {"c": 1} here']


def test_long_values_are_cut() -> None:
    (told,) = differences({"classes": ["crane"] * 50}, {"classes": []})
    assert len(told) < 80
