"""Warnings name the user's line, and say a thing once in each call."""

import warnings

import pytest

from captum_scd._warnings import once, warn


def _said(*messages: str) -> None:
    for message in messages:
        warn(message)


def test_what_is_said_within_a_call_is_said_once_and_in_the_next_call_again() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            with once():
                _said("a", "b")
                with once():
                    _said("a", "c")
                _said("c")
    assert [str(one.message) for one in caught] == ["a", "b", "c"] * 2


def test_an_error_ends_the_call() -> None:
    with pytest.raises(KeyError), once():
        raise KeyError
    with pytest.warns(UserWarning, match="a") as caught:
        _said("a", "a")
    assert [one.filename for one in caught] == [__file__] * 2
