"""What a store's masks depend on beside the images, as JSON holds it, and where two stores differ in that."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

PARTS = ("settings", "model", "classes", "preparation")
"""What an identity says: how masks are learned, hash of the network, class names, how images are made."""


def as_json(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Bring an identity into the form it has once it was written and read.

    Raises:
        ValueError: for other parts than `PARTS`, or what JSON cannot hold.

    >>> as_json({"settings": {"mask_size": (7, 7)}, "model": "", "classes": (), "preparation": None})
    {'settings': {'mask_size': [7, 7]}, 'model': '', 'classes': [], 'preparation': None}
    """
    if set(identity) != set(PARTS):
        raise ValueError(f"Expected an identity of {', '.join(PARTS)}, but got {', '.join(identity)}.")
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(identity), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected an identity that JSON can hold, but {error}.") from error
    return plain


def differences(here: object, wanted: object, name: str = "") -> Iterator[str]:
    """Say where two values as JSON holds them differ, one line each.

    >>> list(differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2}))
    ['a.b is 1 there and 3 here']
    """
    if isinstance(here, dict) and isinstance(wanted, dict):
        for key in sorted({*here, *wanted}):
            yield from differences(here.get(key), wanted.get(key), f"{name}.{key}" if name else key)
    elif here != wanted:
        yield f"{name} is {_short(here)} there and {_short(wanted)} here"


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."
