"""Which of the photos that a store names may be read: those below a place that the user names."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote


@dataclass
class Sources:
    """Photos below a folder, or below a URL.

    A store may come from anybody, and name any file or address. What it names elsewhere is not touched.

    Attributes:
        below: the folder or URL.

    >>> photos = Sources(Path("photos"))
    >>> photos.find("/etc/passwd"), photos.find("http://example.org/a.jpg"), photos.elsewhere
    (None, None, 2)
    """

    below: Path | str
    _elsewhere: set[str] = field(default_factory=set)

    @property
    def elsewhere(self) -> int:
        """Photos that were asked for and lie elsewhere."""
        return len(self._elsewhere)

    def find(self, source: str) -> Path | str | None:
        """Return where to read a photo from, None where it may not be read."""
        below = self.below
        found = _file(below, source) if isinstance(below, Path) else _address(below, source)
        if found is None and source:
            self._elsewhere.add(source)
        return found


def _file(below: Path, source: str) -> Path | None:
    """A file below a folder, whatever links lead there; no pipe, which would be waited for."""
    try:
        path = Path(source).resolve()
        inside = "://" not in source and path.is_relative_to(below.resolve())
        return path if inside and (path.is_file() or not path.exists()) else None
    except (OSError, ValueError, RuntimeError):
        return None


def _address(below: str, source: str) -> str | None:
    start = f"{below.rstrip('/')}/"
    rest = unquote(source.removeprefix(start))
    plain = source.startswith(start) and not {"..", "."} & {*rest.split("/")}
    return source if plain and not ("://" in rest or "::" in source) else None
