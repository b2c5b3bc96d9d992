"""A table of answers on disk, one line per photo, that a run can be broken off and gone on with."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from captum_scd._errors import ImageError, UsageError, one_line
from captum_scd._writing import replacing, sweep
from captum_scd.runs.naming import Photo
from captum_scd.tables import csv_text, plain_text


@dataclass(frozen=True)
class Answer:
    """A line of the table, as it is written: what the network says before and after a second look.

    Attributes:
        image: path of the file.
        before, before_name, before_probability: class number, name where names are known, and probability.
        after, after_name, after_probability: the same after the second look.
        x0, y0, x1, y1: the box the second look was at, in pixels of the upright photo.
        image_sha256: hash of the file's contents.
        request_sha256: hash of everything else the answer depends on.
    """

    image: str
    before: str
    before_name: str
    before_probability: str
    after: str
    after_name: str
    after_probability: str
    x0: str
    y0: str
    x1: str
    y1: str
    image_sha256: str
    request_sha256: str

    def cells(self) -> list[str]:
        """The line as it stands in the file, where no name is taken for a formula."""
        return [csv_text(value) for value in astuple(self)]

    @property
    def changed(self) -> bool:
        """Whether the second look changed the class."""
        return self.before != self.after


COLUMNS = tuple(field.name for field in fields(Answer))


@dataclass(frozen=True)
class AnswerTable:
    """A CSV file of answers, with a line of column names.

    Attributes:
        place: of the file.
        request_sha256: hash of everything an answer depends on beside the image.
    """

    place: Path
    request_sha256: str

    def begin(self, photos: Sequence[Photo], overwrite: bool) -> dict[str, Answer]:
        """Keep answers to other photos, and to these under the same request; return the latter by names.

        Raises:
            UsageError: if the file cannot be read or written, or is of another kind.
        """
        sweep(self.place.parent)
        before = self.read()
        kept = {} if overwrite else self._kept(before, photos)
        paths = {str(photo.path) for photo in photos}
        self._write_anew([one for one in before if one.image not in paths or one in kept.values()])
        return kept

    def put(self, photo: Photo, digest: str, found: Sequence[str]) -> Answer:
        """Write one more answer, from `before` to `y1`; it is on disk when this returns.

        Raises:
            ImageError: if its name cannot stand in a table.
            UsageError: if it cannot be written.
        """
        answer = Answer(*(str(photo.path), *found, digest, self.request_sha256))
        try:
            _write(self.place, "a", [answer.cells()])
        except UnicodeEncodeError as error:
            raise ImageError("its name is no text, which a table cannot hold") from error
        except OSError as error:
            raise self._refused(f"writing it raised {one_line(error)}") from error
        return answer

    def read(self) -> list[Answer]:
        """Read what is there; a line that was broken off in writing is passed over.

        Raises:
            UsageError: if there is something else.
        """
        try:
            with self.place.open(encoding="utf-8", newline="") as file:
                lines = list(csv.reader(file))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, csv.Error) as error:
            raise self._refused(f"reading it raised {one_line(error)}") from error
        if lines and tuple(lines[0]) != COLUMNS:
            raise self._refused("it is a file of another kind")
        return [Answer(*map(plain_text, line)) for line in lines[1:] if len(line) == len(COLUMNS)]

    def _kept(self, before: Sequence[Answer], photos: Sequence[Photo]) -> dict[str, Answer]:
        """Answers to the same photos under the same request, by the photos' names."""
        ours = {one.image: one for one in before if one.request_sha256 == self.request_sha256}
        known = {photo: ours[str(photo.path)] for photo in photos if str(photo.path) in ours}
        return {photo.name: one for photo, one in known.items() if photo.is_still(one.image_sha256)}

    def _write_anew(self, kept: Sequence[Answer]) -> None:
        """Put these answers, and no others, into the file, all at once."""
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.place) as partial:
                _write(partial, "w", [COLUMNS, *(one.cells() for one in kept)])
        except OSError as error:
            raise self._refused(f"writing it raised {one_line(error)}") from error

    def _refused(self, reason: str) -> UsageError:
        return UsageError(
            "Expected --out to be a new file, or a table that this command wrote, "
            f"but {str(self.place)!r}: {reason}."
        )


def _write(path: Path, mode: str, lines: Sequence[Sequence[str]]) -> None:
    with path.open(mode, encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
