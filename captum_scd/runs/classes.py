"""Classes by number and by name."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from captum_scd._errors import UsageError

LARGEST = 16 << 20
"""Bytes of a file of class names; a million names have less."""


@dataclass(frozen=True)
class Classes:
    """The classes a network knows.

    Attributes:
        count: number of outputs.
        names: one name an output, empty where none are known.

    >>> classes = Classes(3, ("House finch", "crane", "crane"))
    >>> classes.index("--target", "house_finch"), classes.index("--target", "2")
    (0, 2)
    >>> classes.label(0), Classes(3).label(0)
    ('House finch', 'class 0')
    """

    count: int
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.names and len(self.names) != self.count:
            raise UsageError(
                f"Expected one class name for each of the model's {self.count} outputs, "
                f"but got {len(self.names)}."
            )

    def name(self, index: int) -> str | None:
        """Name of a class, None where names are not known."""
        return self.names[index] if 0 <= index < len(self.names) else None

    def record(self, index: int) -> dict[str, int | str | None]:
        """Number and name of a class, as summaries keep them."""
        return {"index": index, "name": self.name(index)}

    def label(self, index: int) -> str:
        """Name of a class, or its number where names are not known."""
        return self.name(index) or f"class {index}"

    def labels(self, indices: Sequence[int]) -> str:
        """Name some classes, any of which it may be.

        >>> Classes(3, ("wren", "finch", "crane")).labels([2, 0, 1])
        'crane, wren or finch'
        """
        *first, last = map(self.label, indices)
        return f"{', '.join(first)} or {last}" if first else last

    def index(self, option: str, text: str, words: str = "") -> int:
        """Find a class by its number, or by its name in any case, with spaces, `_` or `-` between words.

        Args:
            option: that was given.
            text: what it was given.
            words: what else the option takes, for the error.

        Raises:
            UsageError: if nothing, or more than one class, goes by that name or number.
        """
        found = {place for place, name in enumerate(self.names) if _plain(name) == _plain(text)}
        if text.isdecimal() and int(text) < self.count:
            found.add(int(text))
        if len(found) != 1:
            raise UsageError(
                f"Expected {option} to be {words}{self._choice()}, but got {text!r}{self._hint(text, found)}."
            )
        return found.pop()

    def _choice(self) -> str:
        numbers = f"a class number from 0 to {self.count - 1}"
        return f"{numbers} or a name from --classes" if self.names else f"{numbers} (names need --classes)"

    def _hint(self, text: str, found: set[int]) -> str:
        if found:
            return f", which could mean {' or '.join(map(str, sorted(found)))}"
        known = {_plain(name): name for name in self.names}
        near = [known[name] for name in difflib.get_close_matches(_plain(text), known)]
        return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _plain(name: str) -> str:
    """A name as folders and people may write it, too."""
    return name.casefold().replace("_", " ").replace("-", " ")


def read_names(path: Path | None) -> tuple[str, ...]:
    """Read class names, one a line in output order; blank lines at the end do not count."""
    if path is None:
        return ()
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise UsageError(
                f"Expected --classes to name a file of {LARGEST >> 20} MiB at most, but {str(path)!r} has "
                f"{size >> 20}."
            )
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").rstrip().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"Expected --classes to name a text file, but {str(path)!r}: {reason}.") from error
    if not all(names) or not names:
        raise UsageError(f"Expected a class name on every line of {str(path)!r}, but found an empty one.")
    return tuple(names)
