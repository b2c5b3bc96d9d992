"""Pages taken apart by Python's own parsers, and entries to make some of."""

import base64
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import torch
from torch import Tensor

from captum_scd.report import Column, Entry, Failure, Map, Report, render

AREA = Column("area", "share of the image", of="left", better="lower", percent=True)
SURE = Column("probability", "of the class")
NASTY = [
    "</script><img src=x onerror=alert(1)>.jpg",
    "<!--<script>",
    "\"quotes' &amp; &lt;b&gt; `${alert(1)}`",
    "\U0001f98b moth \u2028 \u2029 \x00 \x7f",
    "\u202egpj.\u05d0\u05d1\u05d2",
    "__proto__",
    "a" * 3000,
    "lone \udcff byte",
]


@dataclass
class Page(HTMLParser):
    """What stands in a page: tags with their attributes, and the text at the beginning of each."""

    html: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    inside: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        place = len(self.tags) - 1
        if self.inside:
            self.texts[place] = self.texts.get(place, "") + data

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        """Attributes and text of all elements of a kind."""
        return [(a, self.texts.get(k, "")) for k, (name, a) in enumerate(self.tags) if name == tag]

    def blocks(self, kind: str) -> list[Any]:
        """The data blocks of a kind."""
        return [json.loads(text) for a, text in self.all("script") if kind in (a.get("class"), a.get("id"))]

    @property
    def policy(self) -> str:
        found = [a["content"] for a, _ in self.all("meta") if "http-equiv" in a]
        assert len(found) == 1
        return str(found[0])


def entry(name: str, area: float = 0.5, sure: float = 0.5, **options: Any) -> Entry:
    """A grey picture with an infill, and three maps: left, top, and their mean."""
    ramp = torch.linspace(0, 1, 5)
    maps = [
        Map("left", ramp.flip(0).expand(4, 5)),
        Map("top", ramp[:, None].flip(0).expand(5, 6)),
        Map("both", ("left", "top")),
    ]
    given = {"infill": torch.full((3, 24, 32), 0.25), "label": "grey", **options}
    return Entry(name, torch.full((3, 24, 32), 0.75), maps, {"left area": area, "probability": sure}, **given)


def page(*images: Entry | Failure, **options: Any) -> str:
    return "".join(render(Report("Where?", [SURE, AREA], **options), images))


def decoded(values: dict[str, Any]) -> Tensor:
    """A map of a data block, (h, w) in [0, 1]."""
    data = torch.frombuffer(bytearray(base64.b64decode(values["values"])), dtype=torch.uint8)
    return data.view(values["height"], values["width"]) / 255
