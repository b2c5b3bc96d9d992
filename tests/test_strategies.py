"""Name or callable, normalised once."""

import functools

import pytest

from captum_scd._strategies import Strategies, describe

SIGNS = Strategies("sign", {"plus": abs, "minus": lambda x: -abs(x)})


def test_names_and_callables_become_functions() -> None:
    assert SIGNS.resolve("plus") is abs
    assert SIGNS.resolve(len) is len


@pytest.mark.parametrize("strategy", ["times", "", None, 3, ["plus"]])
def test_anything_else_is_answered_with_the_names(strategy) -> None:
    with pytest.raises(
        ValueError, match="Expected `sign` to be one of 'plus', 'minus' or a callable, but got"
    ):
        SIGNS.resolve(strategy)


def test_strategies_are_listed_in_their_order() -> None:
    assert list(SIGNS) == ["plus", "minus"]
    assert len(SIGNS) == 2


def test_every_strategy_has_a_description() -> None:
    assert describe("blur") == "blur"
    assert describe(test_every_strategy_has_a_description).endswith("test_every_strategy_has_a_description")
    assert "partial" in describe(functools.partial(abs))
