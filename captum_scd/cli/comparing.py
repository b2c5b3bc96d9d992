"""`compare` at work on one image, and what it says of all of them in the end."""

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from captum_scd._errors import ImageError
from captum_scd.comparison import Comparison, compare, tables
from captum_scd.comparison.measures import Measure
from captum_scd.pages.words import question_words
from captum_scd.photos import View
from captum_scd.provenance import versions
from captum_scd.runs.facts import probabilities_of
from captum_scd.runs.folder import Figure, Files
from captum_scd.runs.map_archive import MapArchive
from captum_scd.runs.means import pooled
from captum_scd.runs.question import Subject
from captum_scd.runs.results import Summary
from captum_scd.tables import table


@dataclass(frozen=True)
class Comparing:
    """The same question to several methods about each image.

    Attributes:
        subject: the network, and how photos are brought before it.
        target: class to explain, None for the predicted one.
        methods: by name, as `compare` takes them.
        measures: by name, what is asked of each map.
        options: further options of `compare`, only those that were asked for.
    """

    subject: Subject
    target: int | None
    methods: Mapping[str, Any]
    measures: Mapping[str, Measure]
    options: Mapping[str, Any]
    doing = "comparing methods on"
    did = "compared"

    def __call__(self, photo: Image.Image) -> Files:
        """Compare the methods on what the network sees in a photo.

        Raises:
            ImageError: if the network's answer is not finite, or no method gives a map.
            KeyboardInterrupt: as soon as Ctrl-C is pressed; what some methods have done is let go.
        """
        view, start = self.subject.prepare(photo), time.perf_counter()
        inputs = self.subject.inputs(view)
        comparison = self._compared(inputs)
        chances = probabilities_of(self.subject.model, comparison.outputs)[0]
        predicted = int(chances.argmax())
        target = predicted if self.target is None else self.target
        facts = {
            "predicted": {**self.subject.classes.record(predicted), "probability": chances[predicted].item()},
            "target": {**self.subject.classes.record(target), "probability": chances[target].item()},
            "photo": {"size": list(view.photo), "crop": list(view.crop), "seen": round(view.seen, 4)},
            "normalization": self.subject.normalization.record(),
            "comparison": comparison.to_dict(),
            "versions": versions(),
            "seconds": round(time.perf_counter() - start, 3),
        }
        return Files(self._figure(view, comparison, facts), self._archive(comparison), facts)

    def told(self, summaries: Sequence[tuple[str, Summary]]) -> Iterator[str]:
        """Make a table of the methods, means over the images, and say what is to be said of each."""
        if not summaries:
            return
        rows = pooled([summary for _, summary in summaries])
        header, *body = tables.lines(rows, self.measures)
        yield table(header, body)
        yield f"mean of {len(summaries)}; an arrow points to what is better, costs are per image"
        yield from (f"note: {note}" for note in tables.notes(rows))
        yield from self.subject.normalization.noted()

    def _compared(self, inputs: torch.Tensor) -> Comparison:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Interrupted")
            comparison = compare(
                self.subject.model, inputs, self.target, self.methods, list(self.measures), **self.options
            )
        if comparison.interrupted:
            raise KeyboardInterrupt
        if not comparison.maps:
            raise ImageError(f"no method gave a map ({'; '.join(tables.notes(comparison.rows))})")
        return comparison

    def _figure(self, view: View, comparison: Comparison, facts: Mapping[str, Any]) -> Figure:
        target, predicted = facts["target"], facts["predicted"]
        title = question_words(
            target["index"], (), predicted["index"], predicted["probability"], self.subject.classes
        )
        label = f"{self.subject.classes.label(target['index'])}, {target['probability']:.2f}"
        part = f"{view.part} of the photo" if view.part else ""
        label = "\n".join(filter(None, (label, part, self.subject.normalization.assumed)))
        figure: Figure
        figure, _ = comparison.plot(images=view.pixels, labels=[label], title=title)
        return figure

    def _archive(self, comparison: Comparison) -> MapArchive:
        maps = {name: values[0, 0].cpu() for name, values in comparison.maps.items()}
        return MapArchive(maps, self.subject.picture(comparison.baselines.cpu())[0])
