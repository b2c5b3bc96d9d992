"""Names and defaults for help texts, read from the source files that hold them.

Importing those files would import torch, which takes seconds. A second list would have to be kept in step.
"""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any


def names(file: str, table: str) -> tuple[str, ...]:
    """Read the names in a table.

    Args:
        file: path below the package.
        table: variable that holds a dictionary, such as `Strategies(kind, {...})`, or a tuple of names.

    >>> names("classification/views.py", "VIEWS")
    ('crop', 'blend', 'blend_crop')
    """
    value = dict(_assigned(_source(file).body))[table]
    tables = (node for node in ast.walk(value) if isinstance(node, ast.Dict | ast.Tuple))
    found = next(tables)
    known = found.keys if isinstance(found, ast.Dict) else found.elts
    return tuple(ast.literal_eval(name) for name in known if name is not None)


def defaults(file: str, name: str) -> dict[str, Any]:
    """Read the defaults of a dataclass.

    >>> defaults("classification/boxes.py", "BoxRule")["threshold"]
    0.5
    """
    classes = (node for node in _source(file).body if isinstance(node, ast.ClassDef))
    body = next(node.body for node in classes if node.name == name)
    return {field: ast.literal_eval(value) for field, value in _assigned(body)}


@cache
def _source(file: str) -> ast.Module:
    return ast.parse(files("captum_scd").joinpath(file).read_text("utf-8"))


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Variables of a file or a class, and what they are set to."""
    for node in body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and isinstance(value := getattr(node, "value", None), ast.expr):
            yield target.id, value
