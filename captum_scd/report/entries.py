"""What a page shows: images with their maps and numbers, whatever method they come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

DIRECTIONS = ("", "higher", "lower")


@dataclass(frozen=True)
class Column:
    """A number that images have.

    Attributes:
        name: such as `area`.
        note: one sentence that says what it is.
        of: name of the map it is about; empty where it is about the image.
        better: `"higher"` or `"lower"`, empty where neither is.
        percent: whether it is a share, to be shown in percent.

    >>> Column("area", "share of the image", of="SSR", better="lower", percent=True).title
    'SSR area'
    """

    name: str
    note: str
    of: str = ""
    better: str = ""
    percent: bool = False

    def __post_init__(self) -> None:
        if self.better not in DIRECTIONS:
            raise ValueError(
                f"Expected `better` to be one of {', '.join(map(repr, DIRECTIONS))}, but got {self.better!r}."
            )

    @property
    def title(self) -> str:
        """Heading of the column."""
        return f"{self.of} {self.name}".strip()


@dataclass(frozen=True, eq=False)
class Map:
    """How important the places of an image are.

    Attributes:
        name: such as `SSR` or `GradCAM`.
        values: (h, w) in [0, 1], 1 = important, interpolated bilinearly to the picture's size and best given
            at the resolution it has; or the names of other maps of the image, of which it is the geometric
            mean at every pixel.

    >>> ssr, sdr = Map("SSR", torch.rand(4, 4)), Map("SDR", torch.rand(4, 4))
    >>> joint = Map("joint", ("SSR", "SDR"))
    >>> Map("signed", torch.tensor([[-1.0, 1.0]]))
    Traceback (most recent call last):
        ...
    ValueError: Expected map 'signed' to hold values in [0, 1], but it does not everywhere.
    """

    name: str
    values: Tensor | tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.values, Tensor):
            if self.values.ndim != 2:
                shape = tuple(self.values.shape)
                raise ValueError(f"Expected map {self.name!r} of shape (h, w), but got {shape}.")
            _check_range(self.values, f"map {self.name!r}")


@dataclass(frozen=True, eq=False)
class Entry:
    """One image with all that is known about it.

    Attributes:
        name: unlike that of any other image of the page.
        picture: (3 or 1, H, W) in [0, 1], what the network saw; a large one is kept smaller.
        maps: in the order of the page's choice, the first one is shown first.
        numbers: by column title; what is missing or not finite is shown as a dash.
        label: a few words, such as the class.
        infill: of the picture's shape, what stands where it is taken away; without it, that is not shown.
        facts: further lines of text, by name.
        doubts: why the result should be looked at twice, a few words each.

    >>> wren = Entry("wren.jpg", torch.rand(3, 8, 8), [Map("SSR", torch.rand(4, 4))], {"SSR area": 0.2})
    >>> wren.numbers["SSR area"]
    0.2
    """

    name: str
    picture: Tensor
    maps: Sequence[Map]
    numbers: Mapping[str, float]
    label: str = ""
    infill: Tensor | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    doubts: Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_picture(self.picture, "picture")
        if self.infill is not None:
            _check_picture(self.infill, "infill")
            if self.infill.shape != self.picture.shape:
                shapes = f"{tuple(self.picture.shape)}, but got {tuple(self.infill.shape)}"
                raise ValueError(f"Expected `infill` to have the picture's shape {shapes}.")
        _check_maps(self.maps)


@dataclass(frozen=True)
class Failure:
    """An image there is no result for.

    Attributes:
        name: the image.
        reason: why.

    >>> Failure("broken.jpg", "the file is cut off").reason
    'the file is cut off'
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What a page says about all images.

    Attributes:
        title: its heading.
        columns: the numbers of the images, in the order of the table.
        about: one line below the title.
        guide: how to read the page, terms and sentences; a map's name says what that map is.
        notes: what the reader should know before all else.
        settings: tables of names and values, by heading.
        cut: value in (0, 1) from which on a map's places count as its region; the reader may move it.
        unit: what an entry is, in the singular.

    >>> area = Column("area", "share of the image", of="SSR", better="lower", percent=True)
    >>> Report("Where?", [area], about="48 photos").cut
    0.5
    """

    title: str
    columns: Sequence[Column]
    about: str = ""
    guide: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cut: float = 0.5
    unit: str = "image"

    def __post_init__(self) -> None:
        titles = [column.title for column in self.columns]
        if len(set(titles)) < len(titles):
            raise ValueError(f"Expected columns of different titles, but got {titles}.")
        if not 0 < self.cut < 1:
            raise ValueError(f"Expected `cut` to be in (0, 1), but got {self.cut!r}.")


def _check_picture(image: Tensor, name: str) -> None:
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(f"Expected `{name}` of shape (3 or 1, H, W), but got {tuple(image.shape)}.")
    _check_range(image, f"`{name}`")


def _check_range(values: Tensor, name: str) -> None:
    """Reject what is empty, and NaN too, which no comparison holds for."""
    if values.numel() == 0 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"Expected {name} to hold values in [0, 1], but it does not everywhere.")


def _check_maps(maps: Sequence[Map]) -> None:
    names = [one.name for one in maps]
    if len(set(names)) < len(names):
        raise ValueError(f"Expected maps of different names, but got {names}.")
    plain = {one.name for one in maps if isinstance(one.values, Tensor)}
    for one in maps:
        if not isinstance(one.values, Tensor) and not (one.values and set(one.values) <= plain):
            raise ValueError(f"Expected map {one.name!r} to be the mean of others, but got {one.values}.")
