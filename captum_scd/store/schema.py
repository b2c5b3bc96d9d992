"""What a store must hold, checked at the door: nothing in it is believed because a hash fits.

A store may come from anybody. Whoever reads one finds either what these rules say or one error.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from captum_scd.store.entry import SCHEMA
from captum_scd.store.identity import as_json
from captum_scd.verdict import WORDS, Verdict

LONGEST = 1 << 14
"""Letters of a key or a source."""

PIXELS = 1 << 27
"""Of an input: 512 x 512 x 512."""

CELLS = 1 << 30
"""Of all masks of a batch on one grid."""

ROUNDING = 1e-5
"""What a share may be off by."""


@dataclass(frozen=True)
class Rule:
    """What one value must be.

    Attributes:
        what: in words.
        holds: tells whether a value is that.
    """

    what: str
    holds: Callable[[Any], bool]

    def or_nothing(self) -> "Rule":
        """Allow None, too."""
        return Rule(f"{self.what} or nothing", lambda value: value is None or self.holds(value))

    def check(self, name: str, value: Any) -> None:
        """Raise ValueError where a value is something else."""
        if not self.holds(value):
            raise ValueError(f"its {name} is {short(value)}, not {self.what}")


def whole(least: int, most: int) -> Rule:
    """Whole numbers in a range."""
    return Rule(
        f"a whole number from {least} to {most}", lambda value: type(value) is int and least <= value <= most
    )


def list_of(rule: Rule) -> Rule:
    """Lists whose items all keep to a rule."""
    return Rule(
        f"a list of {rule.what}", lambda value: isinstance(value, list) and all(map(rule.holds, value))
    )


def table_of(rule: Rule) -> Rule:
    """Names, and what stands under each of them."""
    return Rule(
        f"a table of {rule.what}",
        lambda value: isinstance(value, dict) and all(map(rule.holds, value.values())),
    )


TEXT = Rule(
    f"a text of at most {LONGEST} letters", lambda value: isinstance(value, str) and len(value) <= LONGEST
)
HASH = Rule(
    "a hash", lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None
)
NUMBER = Rule(
    "a finite number",
    lambda value: type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value),
)
SHARE = Rule("a number in [0, 1]", lambda value: NUMBER.holds(value) and -ROUNDING <= value <= 1 + ROUNDING)
CLASS = whole(0, 2**31 - 1)
SIZE = Rule(
    f"a list of sides with {PIXELS} pixels at most",
    lambda value: list_of(whole(1, PIXELS)).holds(value) and len(value) <= 8 and math.prod(value) <= PIXELS,
)
TABLE = Rule("a table", lambda value: isinstance(value, dict))

HEAD = {
    "settings": TABLE,
    "model": TEXT,
    "classes": list_of(TEXT),
}
PER_IMAGE = {
    "key": TEXT,
    "size": SIZE,
    "target": CLASS,
    "predicted": CLASS,
    "label": CLASS.or_nothing(),
    "source": TEXT,
}
PER_IMAGE_IF_KNOWN = {"look_alikes": list_of(CLASS), "digest": TEXT}


def check_head(head: Mapping[str, Any], place: str) -> None:
    """Check what a store says of itself.

    Raises:
        ValueError: if it is not what it must be.
    """
    try:
        whole(1, SCHEMA).check("schema", head.get("schema", 1))
        TABLE.check("identity", head.get("identity"))
        identity = as_json(head["identity"])
        for name, rule in HEAD.items():
            rule.check(name, identity[name])
        table_of(TEXT).check("versions", head.get("versions"))
        TEXT.check("version", head["versions"].get("captum_scd"))
    except (ValueError, RecursionError) as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise ValueError(f"Expected the store {place!r} to be whole, but {why}.") from error


def check_facts(facts: Any) -> None:
    """Check the facts of a batch.

    Raises:
        ValueError: if they are not what they must be.
    """
    TABLE.check("table of facts", facts)
    list_of(TEXT).check("column 'key'", facts.get("key"))
    keys = facts["key"]
    if len(set(keys)) < len(keys):
        raise ValueError("one of its keys comes twice")
    list_of(HASH).check("column 'cells'", facts.get("cells"))
    grids = {"grid": whole(0, len(facts["cells"]) - 1)}
    known = {name: rule for name, rule in PER_IMAGE_IF_KNOWN.items() if name in facts}
    for name, rule in {**PER_IMAGE, **grids, **known}.items():
        _check_column(f"{name!r}", facts.get(name), keys, rule)
    for name in ("probability", "areas"):
        _check_columns(name, facts.get(name), keys, SHARE.or_nothing())
    _check_verdicts(facts.get("verdict", {}), keys)
    table_of(TEXT).check("table 'replaces'", facts.get("replaces", {}))


def check_failure(facts: Any) -> None:
    """Check why there is no entry; raises as `check_facts` does."""
    TABLE.check("table of facts", facts)
    TEXT.check("key", facts.get("key"))
    TEXT.check("reason", facts.get("reason"))
    TEXT.or_nothing().check("batch", facts.get("batch"))


def check_cells(name: str, shape: Sequence[int], chunks: Sequence[int], dtype: Any) -> None:
    """Check an array of masks before it is read; raises as `check_facts` does."""
    fits = len(shape) >= 3 and shape[1] == 2 and max(math.prod(shape), math.prod(chunks)) <= CELLS
    if not fits or str(dtype) != "uint8":
        raise ValueError(
            f"its masks {name} are {dtype} of shape {short(list(shape))}, not uint8 (images, 2, *grid)"
        )


def check_fit(facts: Mapping[str, Any], cells: Mapping[str, Any]) -> None:
    """Check that there are masks for each image, on a grid that fits it; raises as `check_facts` does."""
    for place, name in enumerate(facts["cells"]):
        shape, count = cells[name].shape, facts["grid"].count(place)
        if shape[0] != count:
            raise ValueError(f"its masks {name} are of {shape[0]} images, not of {count}")
        for key, grid, size in zip(facts["key"], facts["grid"], facts["size"], strict=True):
            if grid == place and size and len(shape) - 2 - len(size) not in (0, 1):  # 1: channels differ
                raise ValueError(
                    f"its masks of {key!r} have a grid of {list(shape[2:])} for an input of {size}"
                )


def _check_column(name: str, column: Any, keys: Sequence[str], rule: Rule) -> None:
    """Check a value for each image, naming the first image that has another."""
    if not isinstance(column, list) or len(column) != len(keys):
        raise ValueError(f"its column {name} is {short(column)}, not a list of {len(keys)}")
    for key, value in zip(keys, column, strict=True):
        rule.check(f"{name} of {short(key)}", value)


def _check_columns(name: str, columns: Any, keys: Sequence[str], rule: Rule) -> None:
    TABLE.check(f"table {name!r}", columns)
    for one, column in columns.items():
        _check_column(f"{name} {one!r}", column, keys, rule)


def _check_verdicts(columns: Any, keys: Sequence[str]) -> None:
    """Check verdicts: all fields of each, or none."""
    TABLE.check("table 'verdict'", columns)
    words = {"word": Rule("a word for a verdict", WORDS.__contains__), "why": TEXT}
    for one, column in columns.items():
        _check_column(f"verdict {one!r}", column, keys, words.get(one, NUMBER).or_nothing())
    for row in range(len(keys)):
        fields = {name: column[row] for name, column in columns.items()}
        if fields.get("word") is None:
            continue
        try:
            Verdict.from_dict(fields)
        except KeyError as error:
            raise ValueError(f"its verdicts have no {error}") from error


def short(value: Any) -> str:
    """A value in a few letters, whatever it is."""
    if type(value) in (list, dict) and len(value) > 8:
        return f"a {type(value).__name__} of {len(value)}"
    try:
        text = json.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 60 else f"{text[:56]} ..."
